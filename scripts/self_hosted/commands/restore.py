"""Replace the database by a copy. The server must not run. The replaced file is kept.

The backups of users are not in a copy. They stay as they are.
"""

import argparse
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from scripts.self_hosted.backups import find_backups
from scripts.self_hosted.data_folder import DataFolder
from scripts.self_hosted.errors import CannotServeError
from scripts.self_hosted.names import dated
from scripts.self_hosted.progress import Progress
from shared.store.engines.sqlite.maintenance import (
    UnusableFileError,
    check,
    is_database,
    prepare,
    summarize,
)
from shared.timestamps import now

_LOG, _INDEX_OF_LOG = "-wal", "-shm"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument("source", type=Path, metavar="FROM", help="a file that `copy` has written")


def run(folder: DataFolder, options: argparse.Namespace) -> None:
    """Check the copy, keep the current database under another name, and replace it.

    Raises:
        CannotServeError: nothing was replaced.
    """
    source: Path = options.source
    _require_copy(source)
    folder.create()
    with folder.replaceable(), _checked(source, folder) as restored:
        users = summarize(restored).users
        try:
            replaced = _keep(folder.database)
            _replace(folder.database, restored)
        except OSError as error:
            raise CannotServeError(
                f"cannot replace {folder.database}: {error.strerror}; it is unchanged"
            ) from None
    print(f"restored {folder.database} from {source} ({users:,} users)")
    backups = find_backups(folder)
    if backups is not None and backups.count > 0:
        print(f"unchanged: {backups}")
    if replaced is not None:
        print(f"the replaced database is {replaced}; delete it when you no longer need it")


def _require_copy(source: Path) -> None:
    try:
        is_copy = is_database(source)
    except OSError as error:
        raise CannotServeError(f"cannot read {source}: {error.strerror}") from None
    if not is_copy:
        raise CannotServeError(
            f"{source} is not a database of LiftLog; name a file that `copy` has written"
        )


@contextmanager
def _checked(source: Path, folder: DataFolder) -> Iterator[Path]:
    """Yield a checked duplicate of `source` in the folder. The check can change a file."""
    with TemporaryDirectory(prefix="restore-", dir=folder.path) as temporary:
        duplicate = Path(temporary) / folder.database.name
        try:
            _duplicate(source, duplicate)
            problems = _problems(duplicate)
        except OSError as error:
            raise CannotServeError(
                f"cannot copy {source} to {folder.path}: {error.strerror}; nothing was replaced"
            ) from None
        if problems:
            raise CannotServeError(
                f"{source} is damaged ({problems[0]}); nothing was replaced; use another copy"
            )
        folder.hand_over(duplicate)
        _flush(duplicate)
        yield duplicate


def _duplicate(source: Path, duplicate: Path) -> None:
    shutil.copyfile(source, duplicate)
    with suppress(FileNotFoundError):
        # A database of a server that was killed has changes beside its main file.
        shutil.copyfile(_beside(source, _LOG), _beside(duplicate, _LOG))


def _problems(duplicate: Path) -> list[str]:
    with Progress() as progress:
        try:
            return check(
                duplicate,
                lambda: progress.show(lambda: f"checking the copy for {progress.passed_s:.0f} s"),
            )
        except UnusableFileError as error:
            return [str(error)]


def _keep(database: Path) -> Path | None:
    """Give the database a second name; return it. None if there is no database."""
    if not database.exists():
        return None
    # A sound database has no `-wal` file afterwards. For a damaged one, keep this file too.
    with suppress(UnusableFileError):
        prepare(database)
    kept = database.with_name(dated(f"{database.stem}-replaced", now()))
    for suffix in ("", _LOG):
        with suppress(FileNotFoundError):
            _link(_beside(database, suffix), _beside(kept, suffix))
    return kept


def _link(file: Path, name: Path) -> None:
    try:
        name.hardlink_to(file)
    except FileExistsError:
        raise CannotServeError(f"{name} exists; repeat the command") from None
    except OSError:
        # Some file systems have no hard links.
        shutil.copyfile(file, name)
        _flush(name)


def _replace(database: Path, restored: Path) -> None:
    # SQLite would apply the `-wal` file of the replaced database to the new one.
    for suffix in (_LOG, _INDEX_OF_LOG):
        _beside(database, suffix).unlink(missing_ok=True)
    _flush(database.parent)
    restored.replace(database)
    _flush(database.parent)


def _beside(database: Path, suffix: str) -> Path:
    return database.with_name(f"{database.name}{suffix}")


def _flush(path: Path) -> None:
    """Write a file or the names in a folder to the disk."""
    file = os.open(path, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)
