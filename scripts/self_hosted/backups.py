"""The users' backups, which are files beside the database. The commands for the data name them."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from scripts.self_hosted import settings_file
from scripts.self_hosted.data_folder import DataFolder
from scripts.self_hosted.progress import megabytes


@dataclass(frozen=True)
class StoredBackups:
    """The backups in a folder."""

    folder: Path
    count: int
    size_bytes: int

    def __str__(self) -> str:
        noun = "backup" if self.count == 1 else "backups"
        return f"{self.count:,} {noun} of users in {self.folder} ({megabytes(self.size_bytes)})"


def find_backups(folder: DataFolder) -> StoredBackups | None:
    """Return the backups of a server; None if they are in a bucket.

    Raises:
        CannotServeError: the settings file cannot be read.
    """
    environment = dict(os.environ)
    if folder.settings.exists():
        settings_file.load(folder.settings, environment)
    settings_file.add_backup_folder(folder.backups, environment)
    if environment.get("BACKUP_BUCKET"):
        return None
    path = Path(environment["BACKUP_FOLDER"])
    sizes = list(_sizes(path))
    return StoredBackups(path, len(sizes), sum(sizes))


def _sizes(path: Path) -> Iterator[int]:
    """Yield the size of each complete backup."""
    for pattern in ("*/*.gz", "*/*.gz.enc"):
        for file in path.glob(pattern):
            try:
                yield file.stat().st_size
            except FileNotFoundError:
                continue  # deleted since the start of the scan
