"""Terraform without Google: stand-ins take the places of Google's provider and of the state.

So the real program says what it makes of our files, and refuses what the provider's schema refuses:
unknown types, arguments and values, missing ones, references that lead nowhere. What it cannot find
out this way is what only Google knows: whether a name is taken, or a combination allowed.

Source: https://developer.hashicorp.com/terraform/cli/config/config-file (filesystem_mirror)
"""

import json
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from scripts.root import ROOT
from tests.infra.provider.serve import serving

LOWEST_PROVIDER = "7.32.0"
"""The lowest release of Google's provider that sends `all_traffic_on_latest_revision = false`.

The fake provider has the schema of 6.50.0, in which each argument that `infra/` uses is the same.
"""

_WITHIN_S = 600
_OPTIONS = ("-refresh=false", "-input=false", "-no-color")
_STATE_HERE = """
terraform {
  backend "local" {}
}
"""
_MIRROR = """
provider_installation {{
  filesystem_mirror {{
    path = {path}
  }}
}}
"""


class RefusedError(Exception):
    """Terraform has found something wrong; the message is what it said."""


@cache
def program() -> str:
    """Return where Terraform is."""
    found = shutil.which("terraform")
    if found is None and "CI" not in os.environ:  # where it is, it has to run
        pytest.skip("there is no terraform on the PATH")
    assert found is not None, "there is no terraform on the PATH"
    return found


def run(*arguments: str, within: Path, environment: Mapping[str, str] | None = None) -> str:
    """Run Terraform in a folder, with no variables but these; return what it prints.

    Raises:
        RefusedError: it fails.
    """
    finished = subprocess.run(
        [program(), *arguments],
        cwd=within,
        env={"PATH": os.environ["PATH"], "CHECKPOINT_DISABLE": "1", **(environment or {})},
        capture_output=True,
        text=True,
        check=False,
        timeout=_WITHIN_S,
    )
    if finished.returncode != 0:
        raise RefusedError(finished.stdout + finished.stderr)
    return finished.stdout


class Workspace:
    """A copy of a root module, with a state of its own.

    Args:
        place: An empty folder; the copy becomes a folder in it.
        module: What is copied.
        variables: Further arguments of whatever takes variables.
        answers: What the provider is to say of itself, by type and attribute.
        provider: The only release of the provider that can be installed.
    """

    def __init__(
        self,
        place: Path,
        module: Path,
        variables: Sequence[str] = (),
        answers: Mapping[str, dict[str, Any]] | None = None,
        provider: str = LOWEST_PROVIDER,
    ) -> None:
        self._variables = variables
        place.mkdir(parents=True, exist_ok=True)
        self._folder = place / module.name
        shutil.copytree(module, self._folder, ignore=shutil.ignore_patterns(".terraform*"))
        (self._folder / "backend_override.tf").write_text(_STATE_HERE)
        settings = place / "terraform.rc"
        settings.write_text(_MIRROR.format(path=json.dumps(str(_mirror(place, provider)))))
        self._environment = {"TF_CLI_CONFIG_FILE": str(settings)}
        self._answers = answers or {}

    def initialize(self) -> None:
        """Have Terraform find modules and provider; to be done first."""
        run(
            *("init", "-input=false", "-no-color"),
            within=self._folder,
            environment=self._environment,
        )

    def validate(self) -> None:
        """Hold the files against the schema."""
        self._run("validate", "-no-color")

    def plan(self, *options: str) -> str:
        """Return what Terraform says it would do."""
        return self._run("plan", *_OPTIONS, "-out=plan", *self._variables, *options)

    def planned(self) -> dict[str, Any]:
        """Return what was planned last, as JSON."""
        plan: dict[str, Any] = json.loads(self._run("show", "-json", "plan"))
        return plan

    def apply(self) -> dict[str, Any]:
        """Do what was planned last; return what is there now, as JSON."""
        self._run("apply", "-input=false", "-no-color", "plan")
        state: dict[str, Any] = json.loads(self._run("show", "-json"))
        return state

    def _run(self, *arguments: str) -> str:
        with serving(self._answers) as provider:
            environment = {**self._environment, "TF_REATTACH_PROVIDERS": provider}
            return run(*arguments, within=self._folder, environment=environment)


def _mirror(place: Path, version: str) -> Path:
    """Make a folder in which `terraform init` finds the stand-in."""
    mirror = place / "providers"
    folder = mirror / "registry.terraform.io/hashicorp/google" / version / _platform()
    folder.mkdir(parents=True)
    binary = folder / f"terraform-provider-google_v{version}"
    binary.touch(mode=0o755)  # never runs: commands connect to `serving`
    return mirror


@cache
def _platform() -> str:
    """Return Terraform's word for this machine."""
    return str(json.loads(run("version", "-json", within=ROOT))["platform"])
