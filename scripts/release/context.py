"""Context of a release: the command, the deployed services, and the state between stages."""

from dataclasses import dataclass
from pathlib import Path

from scripts.cloud.command import CommandContext, RefusedError
from scripts.local.ports import SERVICES
from scripts.packaging.packages import build_root
from scripts.release.deployed_services import DeployedService, describe_splits, read_services
from scripts.release.release import Release, Service, load


@dataclass(frozen=True)
class ReleaseContext(CommandContext):
    """The context of a command, with the services and the state of the release."""

    @property
    def location_flags(self) -> tuple[str, str]:
        """Region and project, for `gcloud run`."""
        return f"--region={self.environment.region}", self.project_flag

    @property
    def root(self) -> Path:
        """The folder that contains `build/`."""
        return build_root()

    def stage_command(self, stage: str = "") -> str:
        """Return the command line that runs a stage, or all stages."""
        return f"./scripts/deploy --environment {self.environment.name} {stage}".strip()

    def services(self) -> dict[str, DeployedService]:
        """Return the deployed services by name."""
        # One command for all services: each start of gcloud takes a second or two.
        command = ("gcloud", "run", "services", "list", *self.location_flags, "--format=json")
        return read_services(self.runner.read(*command))

    def unsplit_services(self) -> dict[str, DeployedService]:
        """Return the deployed services by name.

        Raises:
            RefusedError: several revisions of a service share its traffic.
        """
        found = self.services()
        # A split means a running or killed canary; a second release would take over its revisions.
        if lines := describe_splits(found):
            raise RefusedError(
                "another release is in its canary, or a canary was killed:\n"
                + "\n".join(f"  {line}" for line in lines)
                + f"\nwait for it, or run ./scripts/rollback --environment {self.environment.name}"
            )
        return found

    def update_traffic(self, service: str, *flags: str) -> None:
        """Change the traffic split or the tags of a service.

        Raises:
            CommandFailedError: nothing changed.
        """
        command = ("gcloud", "run", "services", "update-traffic", service)
        self.runner.change(*command, *flags, *self.location_flags)

    def load_release(self, needed: str, stage: str) -> Release:
        """Return the state of the release; a dry run assumes that every service changes.

        Args:
            needed: the field that an earlier stage must have set.
            stage: that stage.

        Raises:
            RefusedError: the stage has not run, or ran for another environment.
        """
        if self.runner.is_dry:
            return _assumed(self.environment.name)
        # A plan for one environment must never be applied to another.
        found = load(self.root)
        if found is None or found.environment != self.environment.name:
            existing = f"a release for {found.environment}" if found else "no release"
            raise RefusedError(f"build/ has {existing}: start with {self.stage_command('image')}")
        if getattr(found, needed) is None:
            raise RefusedError(f"run {self.stage_command(stage)} first")
        return found

    def save(self, release: Release) -> None:
        """Save the state of the release for the next stage."""
        if not self.runner.is_dry:
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
    return Release(environment, "<image of chat>", has_changes=True, services=services)
