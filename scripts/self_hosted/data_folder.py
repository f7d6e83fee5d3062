"""The folder with everything that the server stores."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from scripts.self_hosted.errors import CannotServeError

_FOLDER_MODE, _FILE_MODE = 0o700, 0o600
_MAINTENANCE_LOCK = "maintenance.lock"


@dataclass(frozen=True)
class DataFolder:
    """The folder of `--data`."""

    path: Path

    @property
    def database(self) -> Path:
        """The file of the database. SQLite keeps further files beside it."""
        return self.path / "liftlog.db"

    @property
    def backups(self) -> Path:
        """The folder of the users' backups, unless a setting names another place."""
        return self.path / "backups"

    @property
    def settings(self) -> Path:
        """The file with the settings that the environment does not set."""
        return self.path / "settings.env"

    @property
    def database_bytes(self) -> int:
        """The size of the database, with changes that are not yet in its main file."""
        files = (self.database, self.database.with_name(f"{self.database.name}-wal"))
        return sum(file.stat().st_size for file in files if file.exists())

    def create(self) -> None:
        """Create the folder if it does not exist; only its owner can read it.

        Raises:
            CannotServeError: its parent does not exist, or the folder cannot be created.
        """
        try:
            self.path.mkdir(mode=_FOLDER_MODE, exist_ok=True)
        except FileNotFoundError:
            raise CannotServeError(
                f"{self.path.parent} does not exist; create it, or choose another folder for --data"
            ) from None
        except OSError as error:
            raise CannotServeError(
                f"cannot create the folder {self.path}: {error.strerror}"
            ) from None

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Reserve the folder for this process during the block.

        The operating system releases the lock when the process ends, for any reason.

        Raises:
            CannotServeError: another process has the lock, or the folder is read-only.
        """
        with self._lock("lock", fcntl.LOCK_EX, f"another ./scripts/serve uses {self.path}"):
            yield

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Prevent the replacement of the database during the block. A server may run.

        Raises:
            CannotServeError: there is no database, or a command replaces it.
        """
        if not self.database.exists():
            raise CannotServeError(
                f"{self.path} has no database; name the folder of the server with --data"
            )
        with self._lock(_MAINTENANCE_LOCK, fcntl.LOCK_SH, f"a command replaces {self.database}"):
            yield

    @contextmanager
    def replaceable(self) -> Iterator[None]:
        """Reserve the database for this command during the block.

        Raises:
            CannotServeError: a server or another command uses it.
        """
        # A program that has the file open could delete the `-wal` file of its successor.
        with (
            self.locked(),
            self._lock(_MAINTENANCE_LOCK, fcntl.LOCK_EX, f"a command reads {self.database}"),
        ):
            yield

    def hand_over(self, file: Path) -> None:
        """Give a new file to the owner of the folder, if the administrator runs this command."""
        if os.geteuid() == 0:
            owner = self.path.stat()
            os.chown(file, owner.st_uid, owner.st_gid)

    @contextmanager
    def _lock(self, name: str, kind: int, conflict: str) -> Iterator[None]:
        path = self.path / name
        try:
            file = os.open(path, os.O_RDWR | os.O_CREAT, _FILE_MODE)
        except OSError as error:
            raise CannotServeError(
                f"cannot write to {self.path}: {error.strerror}; change its owner or its mode"
            ) from None
        try:
            self.hand_over(path)
            try:
                fcntl.flock(file, kind | fcntl.LOCK_NB)
            except OSError:
                raise CannotServeError(f"{conflict}; stop it first") from None
            yield
        finally:
            os.close(file)
