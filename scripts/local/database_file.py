"""The file of the embedded database of a stack."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from scripts.local.ports import Ports, url
from scripts.local.processes import Processes
from scripts.local.storage import (
    FILE,
    FIRESTORE_HOST,
    PUBSUB_HOST,
    CannotStartError,
    backups_beside,
)
from scripts.root import ROOT

_FOLDER = ROOT / ".dev" / "data"
_NAME = "liftlog"
_NEXT_STEP = "choose another folder with --data DIR"
# SQLite writes the last two while the file is open. They are part of the data.
_SUFFIXES = ("", "-wal", "-shm")


@dataclass(frozen=True)
class DatabaseFile:
    """The file of a stack. It outlives the stack.

    Args:
        path: the absolute path of the file. It may not exist yet.
        push_to: the URL of the cleanup.
        is_fresh: whether the start deletes an existing file and its backups.
    """

    path: Path
    push_to: str
    is_fresh: bool = False

    @property
    def ports(self) -> list[int]:
        """None: the services open the file themselves."""
        return []

    @property
    def environment(self) -> dict[str, str]:
        """The environment variable that points a process to the file."""
        return {FILE: str(self.path)}

    @property
    def fakes_options(self) -> list[str]:
        """The scheduler pushes its messages to the cleanup."""
        return ["--topic", "cleanup", "--push-to", self.push_to]

    def start(self, _processes: Processes) -> None:
        """Create the folder, and delete the old file and backups of a fresh start.

        Raises:
            CannotStartError: the folder is not writable.
        """
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            if self.is_fresh:
                for suffix in _SUFFIXES:
                    self.path.with_name(self.path.name + suffix).unlink(missing_ok=True)
                if (backups := backups_beside(self.path)).exists():
                    shutil.rmtree(backups)
        except OSError as error:
            raise CannotStartError(
                f"cannot write to {self.path.parent}: {error.strerror}; {_NEXT_STEP}"
            ) from None

    def wait(self, _processes: Processes) -> list[tuple[str, str]]:
        """Create or upgrade the file. Return its path, relative to the project if it is inside.

        Raises:
            CannotStartError: the file cannot be used.
        """
        # Imported here, while the services start: the import takes as long as the start before it.
        from shared.store.engines.sqlite.maintenance import (  # noqa: PLC0415
            UnusableFileError,
            prepare,
        )

        is_inside = self.path.is_relative_to(ROOT)
        shown = str(self.path.relative_to(ROOT) if is_inside else self.path)
        try:
            prepare(self.path)
        except UnusableFileError as error:
            raise CannotStartError(f"cannot use {shown}: {error}; {_NEXT_STEP}") from None
        return [("database", shown)]


def find_file(
    environment: Mapping[str, str], ports: Ports, *, folder: Path | None = None, fresh: bool = False
) -> DatabaseFile | None:
    """Return the database file of a stack; None if the environment names an emulator.

    A given `folder` wins over the environment. By default each base port has its own file.

    Raises:
        CannotStartError: the variables contradict each other, or `fresh`.
    """
    push_to = f"{url(ports.of('cleanup'))}/"
    if folder is not None:
        return DatabaseFile(folder.expanduser().resolve() / f"{_NAME}.db", push_to, fresh)
    set_ = [name for name in (FILE, FIRESTORE_HOST, PUBSUB_HOST) if environment.get(name)]
    if FILE in set_ and len(set_) > 1:
        raise CannotStartError(f"{FILE} and {set_[1]} are set; unset one of them")
    if set_ and fresh:
        # The named file can contain more than the data of this stack.
        raise CannotStartError(f"--fresh deletes only the file of this stack; unset {set_[0]}")
    if FILE in set_:
        return DatabaseFile(Path(environment[FILE]).expanduser().resolve(), push_to)
    if set_:
        return None
    number = "" if ports.base == Ports.base else f"-{ports.base}"
    return DatabaseFile(_FOLDER / f"{_NAME}{number}.db", push_to, fresh)
