"""The environments, read from the files `infra/<environment>.tfvars`."""

import argparse
import os
from dataclasses import dataclass
from pathlib import Path

import hcl2

from scripts.root import ROOT

NAMES = ("dev", "staging", "prod")
FOLDER_VARIABLE = "INFRA_FOLDER"
"""Environment variable with another folder for the `.tfvars` files, for tests."""


@dataclass(frozen=True)
class Environment:
    """One environment: a Google Cloud project and the region of its services."""

    name: str
    project: str
    region: str
    secrets: frozenset[str] | None = None
    """Variables of the secrets that the services receive; None means all."""

    @property
    def state_bucket(self) -> str:
        """Bucket of the Terraform state."""
        return f"{self.project}-terraform"

    @property
    def sources_bucket(self) -> str:
        """Bucket of the function archives, the traffic split and the previous revisions."""
        return f"{self.project}-sources"


def read_environment(name: str, folder: Path | None = None) -> Environment:
    """Read an environment from its file.

    Args:
        name: one of `NAMES`.
        folder: the folder of the files; by default `INFRA_FOLDER`, or else `infra`.

    Raises:
        ValueError: the file is missing, or lacks the project or the region.
    """
    folder = folder or Path(os.environ.get(FOLDER_VARIABLE) or ROOT / "infra")
    path = folder / f"{name}.tfvars"
    if not path.exists():
        raise ValueError(f"{path.relative_to(folder.parent)} does not exist")
    with path.open() as file:
        values = hcl2.load(file)
    # The commands need these two. Terraform validates all variables.
    missing = [key for key in ("project", "region") if not _text(values.get(key, ""))]
    if missing:
        raise ValueError(f"{path.name} does not set {' and '.join(missing)}")
    secrets = values.get("secrets")
    return Environment(
        name,
        _text(values["project"]),
        _text(values["region"]),
        None if secrets is None else frozenset(_text(each) for each in secrets),
    )


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options `--environment` and `--dry-run` to a command."""
    # No default: a command without the option must not reach an environment by accident.
    parser.add_argument("--environment", choices=NAMES, required=True, help="environment to use")
    parser.add_argument(
        "--dry-run",
        action="store_true",
        help="change nothing: run the commands that only read, and print the others",
    )


def _text(value: object) -> str:
    # Version 8 of python-hcl2 keeps the quotes of strings.
    return str(value).strip('"')
