"""Fixtures for commands: fake programs instead of those that reach Google, and a fake clock."""

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
from tests.scripts.cloud.fake_programs import docker, gcloud, pip_audit, terraform
from tests.scripts.cloud.fake_programs.server import FakePrograms, serve_programs

PROGRAMS = {
    "docker": docker.main,
    "gcloud": gcloud.main,
    "pip-audit": pip_audit.main,
    "terraform": terraform.main,
}
PROJECT = "liftlog-prod"
DEPLOY = ("deploy", "--environment=prod")
RELEASES_URL = f"gs://{PROJECT}-sources/releases.json"
NO_RELEASES = {RELEASES_URL: {"generation": 1, "data": "[]"}}
"""The object as Terraform creates it."""

_PACKAGES = {
    "deploy": "release",
    "rollback": "release",
    "cleanup": "admin",
    "secrets": "admin",
    "traffic": "admin",
}


@dataclass(frozen=True)
class FakeCloud:
    """A folder of fake programs for the PATH, and the state that they share."""

    folder: Path
    programs: FakePrograms

    @property
    def state(self) -> dict[str, Any]:
        """A copy of the state: `services`, and more."""
        with self.edit_state() as state:
            return copy.deepcopy(state)

    @property
    def commands(self) -> list[list[str]]:
        """Every command so far, in order."""
        commands: list[list[str]] = self.state.get("commands", [])
        return commands

    def edit_state(self) -> AbstractContextManager[dict[str, Any]]:
        """Return the state for a change; no program runs during the block."""
        return self.programs.state()

    def update(self, **state: Any) -> None:
        """Set entries of the state."""
        with self.edit_state() as now:
            now.update(state)

    def run(
        self,
        command: str,
        *arguments: str,
        stdin: str | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """Run a command in this process, with the fake programs."""
        return in_process.run(
            importlib.import_module(f"scripts.{_PACKAGES[command]}.{command}").main,
            *arguments,
            given=stdin,
            environment={**self.environment, **(environment or {})},
        )

    @property
    def root(self) -> Path:
        """The folder that contains `build/`."""
        return self.folder.parent

    @property
    def environment(self) -> dict[str, str]:
        """The environment variables of a command that uses the fake programs."""
        return {
            **os.environ,
            "PATH": f"{self.folder}{os.pathsep}{os.environ['PATH']}",
            FOLDER_VARIABLE: str(self.folder),
            ROOT_VARIABLE: str(self.root),
            "NO_COLOR": "1",
            "COLUMNS": "200",
        }


class FakeClock:
    """Replaces the module `time`: a sleep advances the clock and returns immediately."""

    def __init__(self) -> None:
        self.passed_s = 0.0
        self.after_sleep: Callable[[], object] = lambda: None

    def monotonic(self) -> float:
        """Return the sum of all sleeps."""
        return self.passed_s

    def sleep(self, seconds: float) -> None:
        """Advance the clock."""
        self.passed_s += seconds
        self.after_sleep()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> FakeClock:
    """The clock of the stages that wait, in this process."""
    clock = FakeClock()
    for module in ("smoke", "canary_watch"):
        monkeypatch.setattr(f"scripts.release.{module}.time", clock)
    return clock


@pytest.fixture
def cloud(tmp_path: Path) -> Iterator[FakeCloud]:
    """An environment, prod, without any resource."""
    folder = tmp_path / "programs"
    folder.mkdir()
    (folder / "prod.tfvars").write_text(f'project = "{PROJECT}"\nregion = "us-central1"\n')
    with serve_programs(folder, PROGRAMS) as programs:
        yield FakeCloud(folder, programs)
