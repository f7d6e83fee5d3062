"""The Terraform commands of the stages, on the files in `infra/`."""

import os
from collections.abc import Collection

from scripts.release.changes import Change, read_changes
from scripts.release.context import ReleaseContext
from scripts.root import ROOT

_FOLDER = ROOT / "infra"
_SHOW_TIMEOUT_S = 300


class Terraform:
    """Terraform for one environment and one plan file.

    A dry run only prints the commands: a plan needs the archives, which a dry run does not build.
    """

    def __init__(self, context: ReleaseContext, plan: str) -> None:
        self._runner = context.runner
        self._environment = context.environment
        self._folder = context.root / "build"
        # Relative to `infra/`, because of -chdir; so the printed commands work on any machine.
        self._plan = os.path.relpath(self._folder / f"{plan}.tfplan", _FOLDER)

    def prepare(self) -> None:
        """Select the state of the environment, and download the providers."""
        bucket = f"-backend-config=bucket={self._environment.state_bucket}"
        self._run("init", "-input=false", "-reconfigure", bucket)

    def plan(self, image: str, *, targets: Collection[str] = ()) -> list[Change]:
        """Write the plan file, print the full plan, and return the changes.

        Args:
            image: the image of the chat; empty for none.
            targets: addresses to limit the plan to; everything by default.
        """
        self._folder.mkdir(exist_ok=True)
        packages = os.path.relpath(self._folder / "packages.json", _FOLDER)
        self._run(
            "plan",
            "-input=false",
            "-lock-timeout=5m",
            f"-var-file={self._environment.name}.tfvars",
            f"-var=packages_file={packages}",
            f"-var=chat_image={image}",
            *(f"-target={target}" for target in targets),
            f"-out={self._plan}",
        )
        command = ("terraform", "-chdir=infra", "show", "-json", self._plan)
        return read_changes(self._runner.read(*command, timeout_s=_SHOW_TIMEOUT_S, if_dry="{}"))

    def apply(self) -> None:
        """Apply the plan file. Terraform refuses it if the state has changed since the plan."""
        self._run("apply", "-input=false", "-lock-timeout=5m", self._plan)

    def _run(self, *arguments: str) -> None:
        self._runner.change("terraform", "-chdir=infra", *arguments)
