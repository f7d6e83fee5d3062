"""Runs Terraform without Google: a fake provider and a local state replace the real ones.

So the real program evaluates our files, and rejects everything that violates the provider's
schema: unknown types, arguments and values, missing ones, invalid references. It cannot find what
only Google can check: whether a name is taken, or whether a combination of values is allowed.

Source: https://developer.hashicorp.com/terraform/cli/config/config-file (filesystem_mirror)
"""

import json
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

from scripts.root import ROOT
from tests.infra.provider.server import serve
from tests.infra.state import Values

MIN_PROVIDER = "7.32.0"
"""The lowest release of Google's provider that sends `all_traffic_on_latest_revision = false`.

The fake provider has the schema of 6.50.0, which has every argument that `infra/` uses unchanged.
"""

_TIMEOUT_S = 600
_PLAN_OPTIONS = ("-refresh=false", "-input=false", "-no-color")
_LOCAL_BACKEND = """
terraform {
  backend "local" {}
}
"""
_CLI_CONFIGURATION = """
provider_installation {{
  filesystem_mirror {{
    path = {path}
  }}
}}
"""


class TerraformError(Exception):
    """A command of Terraform failed; the message is its output."""


@cache
def program() -> str:
    """Return the path of Terraform."""
    found = shutil.which("terraform")
    assert found is not None, "the test lacks the mark `terraform`"
    return found


def run(*arguments: str, within: Path, environment: Mapping[str, str] | None = None) -> str:
    """Run Terraform in a folder with only these environment variables; return its output.

    Raises:
        TerraformError: The command failed.
    """
    finished = subprocess.run(
        [program(), *arguments],
        cwd=within,
        env={"PATH": os.environ["PATH"], "CHECKPOINT_DISABLE": "1", **(environment or {})},
        capture_output=True,
        text=True,
        check=False,
        timeout=_TIMEOUT_S,
    )
    if finished.returncode != 0:
        raise TerraformError(finished.stdout + finished.stderr)
    return finished.stdout


class Workspace:
    """A copy of a root module with its own state.

    Args:
        place: A folder for the copy.
        module: The module to copy.
        variables: Command line arguments that set variables.
        provider_values: Attributes that the fake provider returns, by type and name.
        provider: The only release of the provider that `init` can find.
    """

    def __init__(
        self,
        place: Path,
        module: Path,
        variables: Sequence[str] = (),
        provider_values: Mapping[str, Values] | None = None,
        provider: str = MIN_PROVIDER,
    ) -> None:
        self._variables = variables
        place.mkdir(parents=True, exist_ok=True)
        self._folder = place / module.name
        shutil.copytree(module, self._folder, ignore=shutil.ignore_patterns(".terraform*"))
        # Terraform merges files named *_override.tf into the others.
        (self._folder / "backend_override.tf").write_text(_LOCAL_BACKEND)
        configuration = place / "terraform.rc"
        mirror = json.dumps(str(_create_mirror(place, provider)))
        configuration.write_text(_CLI_CONFIGURATION.format(path=mirror))
        self._environment = {"TF_CLI_CONFIG_FILE": str(configuration)}
        self._provider_values = provider_values or {}

    def initialize(self) -> None:
        """Run `terraform init`. All other methods need it."""
        run(
            *("init", "-input=false", "-no-color"),
            within=self._folder,
            environment=self._environment,
        )

    def validate(self) -> None:
        """Validate the files against the schema."""
        self._run("validate", "-no-color")

    def plan(self, *options: str) -> str:
        """Create a plan; return the output."""
        return self._run("plan", *_PLAN_OPTIONS, "-out=plan", *self._variables, *options)

    def planned(self) -> Values:
        """Return the last plan as JSON."""
        plan: Values = json.loads(self._run("show", "-json", "plan"))
        return plan

    def apply(self) -> Values:
        """Apply the last plan; return the state as JSON."""
        self._run("apply", "-input=false", "-no-color", "plan")
        state: Values = json.loads(self._run("show", "-json"))
        return state

    def _run(self, *arguments: str) -> str:
        with serve(self._provider_values) as address:
            environment = {**self._environment, "TF_REATTACH_PROVIDERS": address}
            return run(*arguments, within=self._folder, environment=environment)


def _create_mirror(place: Path, version: str) -> Path:
    """Create a folder in which `terraform init` finds the fake provider."""
    mirror = place / "providers"
    folder = mirror / "registry.terraform.io/hashicorp/google" / version / _platform()
    folder.mkdir(parents=True)
    binary = folder / f"terraform-provider-google_v{version}"
    binary.touch(mode=0o755)  # never runs: commands connect to the server instead
    return mirror


@cache
def _platform() -> str:
    """Return Terraform's name of this platform."""
    return str(json.loads(run("version", "-json", within=ROOT))["platform"])
