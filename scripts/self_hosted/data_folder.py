"""The folder with everything that the server stores."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from scripts.self_hosted.errors import CannotServeError

_FOLDER_MODE, _FILE_MODE = 0o700, 0o600


@dataclass(frozen=True)
class DataFolder:
    """The folder of `--data`."""

    path: Path

    @property
    def database(self) -> Path:
        """The file of the database. SQLite keeps further files beside it."""
        return self.path / "liftlog.db"

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
        try:
            file = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT, _FILE_MODE)
        except OSError as error:
            raise CannotServeError(
                f"cannot write to {self.path}: {error.strerror}; change its owner or its mode"
            ) from None
        try:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise CannotServeError(
                    f"another ./scripts/serve uses {self.path}; stop it first"
                ) from None
            yield
        finally:
            os.close(file)
