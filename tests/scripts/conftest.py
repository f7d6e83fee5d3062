"""Programs in place of those that reach Google, for commands that are run as people run them."""

import copy
import importlib
import os
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from scripts.cloud.environments import FOLDER_VARIABLE
from scripts.packaging.packages import ROOT_VARIABLE
from tests import in_process
from tests.scripts.cloud.programs import docker, gcloud, pip_audit, terraform
from tests.scripts.cloud.programs.server import Programs, serving

PROGRAMS = {
    "docker": docker.main,
    "gcloud": gcloud.main,
    "pip-audit": pip_audit.main,
    "terraform": terraform.main,
}
PROJECT = "liftlog-prod"
RELEASES = f"gs://{PROJECT}-sources/releases.json"
NO_RELEASES = {RELEASES: {"generation": 1, "data": "[]"}}
"""As Terraform makes it."""


@dataclass(frozen=True)
class Cloud:
    """A folder of fake programs to put on the path, and their state."""

    folder: Path
    programs: Programs

    @property
    def state(self) -> dict[str, Any]:
        """A copy of the state: `services`, and more."""
        with self.changing() as state:
            return copy.deepcopy(state)

    @property
    def calls(self) -> list[list[str]]:
        """Every call so far, in order."""
        calls: list[list[str]] = self.state.get("calls", [])
        return calls

    def changing(self) -> AbstractContextManager[dict[str, Any]]:
        """Return the state for a change, during which no program runs."""
        return self.programs.state()

    def has(self, **state: Any) -> None:
        """Add to the state."""
        with self.changing() as now:
            now.update(state)

    def run(
        self,
        command: str,
        *arguments: str,
        given: str | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """Run a command in this process, with the fake programs."""
        return in_process.run(
            importlib.import_module(f"scripts.{_ROOMS[command]}.{command}").main,
            *arguments,
            given=given,
            environment={**self.environment, **(environment or {})},
        )

    @property
    def root(self) -> Path:
        """The folder with `build/`."""
        return self.folder.parent

    @property
    def environment(self) -> dict[str, str]:
        """The environment of a command that finds the fake programs."""
        return {
            **os.environ,
            "PATH": f"{self.folder}{os.pathsep}{os.environ['PATH']}",
            FOLDER_VARIABLE: str(self.folder),
            ROOT_VARIABLE: str(self.root),
            "NO_COLOR": "1",
            "COLUMNS": "200",
        }


_ROOMS = {
    "deploy": "release",
    "rollback": "release",
    "cleanup": "admin",
    "secrets": "admin",
    "traffic": "admin",
}


class Clock:
    """The module `time` of the stages that wait: a sleep takes no time."""

    def __init__(self) -> None:
        self.passed_s = 0.0
        self.after_sleep: Callable[[], object] = lambda: None

    def monotonic(self) -> float:
        """Return the sum of the sleeps."""
        return self.passed_s

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.passed_s += seconds
        self.after_sleep()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock of commands that run in this process."""
    clock = Clock()
    for stage in ("smoke", "watch"):
        monkeypatch.setattr(f"scripts.release.{stage}.time", clock)
    return clock


@pytest.fixture
def cloud(tmp_path: Path) -> Iterator[Cloud]:
    """An environment, prod, with nothing in it."""
    folder = tmp_path / "programs"
    folder.mkdir()
    (folder / "prod.tfvars").write_text(f'project = "{PROJECT}"\nregion = "us-central1"\n')
    with serving(folder, PROGRAMS) as programs:
        yield Cloud(folder, programs)
