"""Terraform, as the stages call it, on the files in `infra/`."""

import json
import os
from collections.abc import Collection

from scripts.release.changes import Change, changes
from scripts.release.delivery import Delivery
from scripts.root import ROOT

_FOLDER = ROOT / "infra"
_READ_WITHIN_S = 300


class Terraform:
    """The calls for one environment. A dry run only shows them: they need what it does not make."""

    def __init__(self, delivery: Delivery, plan: str) -> None:
        self._calls = delivery.calls
        self._environment = delivery.environment
        self._folder = delivery.root / "build"
        self._plan = os.path.relpath(self._folder / f"{plan}.tfplan", _FOLDER)

    def prepare(self) -> None:
        """Let it know where it remembers what is there, and fetch Google's provider."""
        bucket = f"-backend-config=bucket={self._environment.state_bucket}"
        self._change("init", "-input=false", "-reconfigure", bucket)

    def plan(
        self, image: str, *, held: Collection[str] = (), targets: Collection[str] = ()
    ) -> list[Change]:
        """Plan, which shows all details, and return what would change.

        Args:
            image: the chat's; none if it is empty.
            held: services whose new revisions get no traffic by themselves.
            targets: addresses of what alone is to be made; everything by default.
        """
        self._folder.mkdir(exist_ok=True)
        packages = os.path.relpath(self._folder / "packages.json", _FOLDER)
        self._change(
            "plan",
            "-input=false",
            "-lock-timeout=5m",
            f"-var-file={self._environment.name}.tfvars",
            f"-var=packages_file={packages}",
            f"-var=chat_image={image}",
            f"-var=held={json.dumps(sorted(held))}",
            *(f"-target={target}" for target in targets),
            f"-out={self._plan}",
        )
        command = ("terraform", "-chdir=infra", "show", "-json", self._plan)
        return changes(self._calls.read(*command, within_s=_READ_WITHIN_S, if_dry="{}"))

    def apply(self) -> None:
        """Do what was planned last."""
        self._change("apply", "-input=false", "-lock-timeout=5m", self._plan)

    def _change(self, *arguments: str) -> None:
        self._calls.change("terraform", "-chdir=infra", *arguments)
