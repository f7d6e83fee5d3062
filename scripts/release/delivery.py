"""What every stage has at hand: the environment, its calls, and the release so far."""

import argparse
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from scripts.cloud.calls import Calls
from scripts.cloud.command import RefusedError
from scripts.cloud.environments import Environment
from scripts.local.ports import SERVICES
from scripts.packaging.packages import root
from scripts.release.release import Release, Service, load
from scripts.release.running import Running, running, shared


@dataclass(frozen=True)
class Delivery:
    """One run of the command."""

    options: argparse.Namespace
    environment: Environment
    calls: Calls
    console: Console

    @property
    def place(self) -> tuple[str, str]:
        """What tells gcloud where services are."""
        return f"--region={self.environment.region}", self.project

    @property
    def project(self) -> str:
        """What tells gcloud which project it is."""
        return f"--project={self.environment.project}"

    @property
    def root(self) -> Path:
        """The folder with `build/`."""
        return root()

    def command(self, stage: str = "") -> str:
        """Return how a stage is called."""
        return f"./scripts/deploy --environment {self.environment.name} {stage}".strip()

    def say(self, text: str, style: str | None = None) -> None:
        """Tell whoever looks on."""
        self.console.print(text, style=style, markup=False)

    def running(self) -> dict[str, Running]:
        """Return the services that run, by name."""
        command = ("gcloud", "run", "services", "list", *self.place, "--format=json")
        return running(self.calls.read(*command))

    def settled(self) -> dict[str, Running]:
        """Return the services that run.

        Raises:
            RefusedError: several revisions of one share its traffic.
        """
        found = self.running()
        if lines := shared(found):
            raise RefusedError(
                "another release is under way, or was cut off in its canary:\n"
                + "\n".join(f"  {line}" for line in lines)
                + f"\nwait for it, or ./scripts/rollback --environment {self.environment.name}"
            )
        return found

    def release(self, needed: str, stage: str) -> Release:
        """Return the release so far; a dry run makes one up, in which every service changes.

        Args:
            needed: what an earlier stage has to have set.
            stage: that stage.

        Raises:
            RefusedError: it was not there yet, or for another environment.
        """
        if self.calls.is_dry:
            return _assumed(self.environment.name)
        found = load(self.root)
        if found is None or found.environment != self.environment.name:
            begun = f"for {found.environment}" if found else "nothing"
            raise RefusedError(f"build/ has {begun}: {self.command('image')} begins a release")
        if getattr(found, needed) is None:
            raise RefusedError(f"first comes {self.command(stage)}")
        return found

    def save(self, release: Release) -> None:
        """Keep the release for the next stage."""
        if not self.calls.is_dry:
            release.save(self.root)


def _assumed(environment: str) -> Release:
    services = {
        name: Service(
            f"<address of {name}>",
            f"<address of the new {name}>",
            f"<old revision of {name}>",
            f"<new revision of {name}>",
        )
        for name in SERVICES
    }
    return Release(environment, "<image of chat>", (), (), services)
