"""Programs in place of those that reach Google, for commands that are run as people run them."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from scripts.operations.environments import FOLDER_VARIABLE
from scripts.packaging.packages import ROOT_VARIABLE
from scripts.root import ROOT
from tests.operations.programs.state import VARIABLE

PROGRAMS = ("docker", "gcloud", "pip_audit", "terraform")
PROJECT = "liftlog-prod"
RELEASES = f"gs://{PROJECT}-sources/releases.json"
NO_RELEASES = {RELEASES: {"generation": 1, "data": "[]"}}
"""As Terraform makes it."""


@dataclass(frozen=True)
class Cloud:
    """A folder of stand-ins to put on the path, and what they remember."""

    folder: Path

    @property
    def _file(self) -> Path:
        return self.folder / "state.json"

    @property
    def state(self) -> dict[str, Any]:
        """What is there: `services`, and whatever else a stand-in keeps."""
        state: dict[str, Any] = json.loads(self._file.read_text())
        return state

    @property
    def calls(self) -> list[list[str]]:
        """Every call so far, in order."""
        calls: list[list[str]] = self.state.get("calls", [])
        return calls

    def has(self, **state: Any) -> None:
        """Let the stand-ins remember `state` besides what they do."""
        self._file.write_text(json.dumps({**self.state, **state}))

    def run(
        self,
        command: str,
        *arguments: str,
        given: str | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """Run a command of `scripts/` with the stand-ins on its path."""
        return subprocess.run(
            [ROOT / "scripts" / command, *arguments],
            input=given,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
            env={**self.environment, **(environment or {})},
        )

    @property
    def root(self) -> Path:
        """The folder with `build/`."""
        return self.folder.parent

    @property
    def environment(self) -> dict[str, str]:
        """The environment of a command that finds the stand-ins."""
        return {
            **os.environ,
            "PATH": f"{self.folder}{os.pathsep}{os.environ['PATH']}",
            VARIABLE: str(self._file),
            FOLDER_VARIABLE: str(self.folder),
            ROOT_VARIABLE: str(self.root),
            "NO_COLOR": "1",
            "COLUMNS": "200",
        }


@pytest.fixture
def cloud(tmp_path: Path) -> Cloud:
    """An environment, prod, with nothing in it."""
    folder = tmp_path / "programs"
    folder.mkdir()
    shell = shutil.which("sh")
    for program in PROGRAMS:
        file = folder / program.replace("_", "-")
        file.write_text(
            f'#!{shell}\nexec {sys.executable} -m tests.operations.programs.{program} "$@"\n'
        )
        file.chmod(0o755)
    (folder / "state.json").write_text("{}")
    (folder / "prod.tfvars").write_text(f'project = "{PROJECT}"\nregion = "us-central1"\n')
    return Cloud(folder)
