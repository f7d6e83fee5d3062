"""Packages on disk, and the list of them that Terraform reads."""

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from scripts.packaging.archives import tar_files, zip_files
from scripts.packaging.contents import is_container, package_files
from scripts.root import ROOT

ROOT_VARIABLE = "BUILD_ROOT"
"""Environment variable with another folder for `build/`, for tests."""

_FOLDER = "build/packages"
_LIST = "build/packages.json"
# 64 bits identify a content, and keep the names of objects short.
_HASH_DIGITS = 16


@dataclass(frozen=True)
class Package:
    """The deployed files of a service."""

    service: str
    file_count: int
    archive: bytes

    @property
    def sha256(self) -> str:
        """Hash of the archive."""
        return sha256(self.archive).hexdigest()

    @property
    def path(self) -> str:
        """Path of the archive below the root of `build/`; a new content has a new name."""
        ending = "tar" if is_container(self.service) else "zip"
        return f"{_FOLDER}/{self.service}-{self.sha256[:_HASH_DIGITS]}.{ending}"


def build_root() -> Path:
    """Return the folder of `build/`: the root of the project, or `BUILD_ROOT`."""
    return Path(os.environ.get(ROOT_VARIABLE) or ROOT)


def build_package(service: str) -> Package:
    """Build the package of a service."""
    files = package_files(service)
    archive = tar_files(files) if is_container(service) else zip_files(files)
    return Package(service, len(files), archive)


def write_packages(packages: Sequence[Package], folder: Path) -> None:
    """Write and list packages, and delete older archives of their services.

    Entries of other services stay. At every moment, all listed archives exist.
    """
    (folder / _FOLDER).mkdir(parents=True, exist_ok=True)
    packages_by_name = read_package_list(folder)
    for each in packages:
        (folder / each.path).write_bytes(each.archive)
        packages_by_name[each.service] = {"archive": each.path, "sha256": each.sha256}
    unfinished = folder / f"{_LIST}.new"
    unfinished.write_text(json.dumps(packages_by_name, indent=2, sort_keys=True) + "\n")
    # A rename is atomic: a reader sees the old list or the new one, never a part.
    unfinished.replace(folder / _LIST)
    for each in packages:
        for archive in (folder / _FOLDER).glob(f"{each.service}-*"):
            if archive != folder / each.path:
                archive.unlink()


def read_package_list(folder: Path) -> dict[str, dict[str, str]]:
    """Return `archive`, relative to `folder`, and `sha256` of each packaged service."""
    path = folder / _LIST
    if not path.exists():
        return {}
    packages: dict[str, dict[str, str]] = json.loads(path.read_text())
    return packages
