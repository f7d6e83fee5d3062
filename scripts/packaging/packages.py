"""Packages on disk, and the list of them that Terraform reads."""

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from scripts.packaging.archives import tarred, zipped
from scripts.packaging.contents import contents, is_container
from scripts.root import ROOT

ROOT_VARIABLE = "BUILD_ROOT"
"""The environment variable that names another folder to have `build/` in, a test's for instance."""

_FOLDER = "build/packages"
_LIST = "build/packages.json"
_DIGITS = 16


@dataclass(frozen=True)
class Package:
    """What is deployed of a service."""

    service: str
    files: int
    archive: bytes

    @property
    def sha256(self) -> str:
        """The hash of the archive."""
        return sha256(self.archive).hexdigest()

    @property
    def path(self) -> str:
        """The archive's name, in the folder that `write` is given: another for other content."""
        ending = "tar" if is_container(self.service) else "zip"
        return f"{_FOLDER}/{self.service}-{self.sha256[:_DIGITS]}.{ending}"


def root() -> Path:
    """Return the folder with `build/`: the project's own, or what `BUILD_ROOT` says."""
    return Path(os.environ.get(ROOT_VARIABLE) or ROOT)


def package(service: str) -> Package:
    """Make the package of a service."""
    files = contents(service)
    archive = tarred(files) if is_container(service) else zipped(files)
    return Package(service, len(files), archive)


def write(packages: Sequence[Package], folder: Path) -> None:
    """Write archives in place of older ones of the same services, and list them.

    What the list says of other services stays. It never names an archive that is not there.
    """
    (folder / _FOLDER).mkdir(parents=True, exist_ok=True)
    packages_by_name = listed(folder)
    for each in packages:
        (folder / each.path).write_bytes(each.archive)
        packages_by_name[each.service] = {"archive": each.path, "sha256": each.sha256}
    unfinished = folder / f"{_LIST}.new"
    unfinished.write_text(json.dumps(packages_by_name, indent=2, sort_keys=True) + "\n")
    unfinished.replace(folder / _LIST)
    for each in packages:
        for archive in (folder / _FOLDER).glob(f"{each.service}-*"):
            if archive != folder / each.path:
                archive.unlink()


def listed(folder: Path) -> dict[str, dict[str, str]]:
    """Return `archive`, below `folder`, and `sha256` of each service that was packaged."""
    path = folder / _LIST
    if not path.exists():
        return {}
    packages: dict[str, dict[str, str]] = json.loads(path.read_text())
    return packages
