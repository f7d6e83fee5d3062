"""The environments: what the files `infra/<environment>.tfvars` say of each."""

import argparse
import os
from dataclasses import dataclass
from pathlib import Path

import hcl2

from scripts.root import ROOT

NAMES = ("dev", "staging", "prod")
FOLDER_VARIABLE = "INFRA_FOLDER"
"""The environment variable that names another folder of such files, a test's for instance."""


@dataclass(frozen=True)
class Environment:
    """One environment: a project on Google Cloud, and where in it the product runs."""

    name: str
    project: str
    region: str
    secrets: frozenset[str] | None = None
    """The variables of those secrets that services are told of; None: of all."""

    @property
    def state_bucket(self) -> str:
        """Where Terraform keeps what it knows of the environment."""
        return f"{self.project}-terraform"

    @property
    def sources_bucket(self) -> str:
        """Where the functions' archives lie, and the shares of the traffic."""
        return f"{self.project}-sources"


def environment(name: str, folder: Path | None = None) -> Environment:
    """Read an environment.

    Args:
        name: which one.
        folder: where the files are; by default `infra`, or what `INFRA_FOLDER` says.

    Raises:
        ValueError: its file is missing, or does not say what has to be known.
    """
    folder = folder or Path(os.environ.get(FOLDER_VARIABLE) or ROOT / "infra")
    path = folder / f"{name}.tfvars"
    if not path.exists():
        raise ValueError(f"there is no {path.relative_to(folder.parent)}")
    with path.open() as file:
        values = hcl2.load(file)
    missing = [key for key in ("project", "region") if not _text(values.get(key, ""))]
    if missing:
        raise ValueError(f"{path.name} does not say {' and '.join(missing)}")
    secrets = values.get("secrets")
    return Environment(
        name,
        _text(values["project"]),
        _text(values["region"]),
        None if secrets is None else frozenset(_text(each) for each in secrets),
    )


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Let a command say which environment it is about, and whether it only shows its calls."""
    parser.add_argument("--environment", choices=NAMES, required=True, help="which to work on")
    parser.add_argument(
        "--dry-run",
        action="store_true",
        help="change nothing: show the calls that would be made, after those that only read",
    )


def _text(value: object) -> str:
    return str(value).strip('"')
