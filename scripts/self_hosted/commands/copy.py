"""Copy the database, without the users' backups, to a file, also while the server runs."""

import argparse
from pathlib import Path

from scripts.self_hosted.backups import find_backups
from scripts.self_hosted.data_folder import DataFolder
from scripts.self_hosted.errors import CannotServeError
from scripts.self_hosted.names import dated, require_parent
from scripts.self_hosted.progress import Progress, megabytes
from shared.store.engines.sqlite.maintenance import UnusableFileError, copy
from shared.timestamps import now


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument(
        "to",
        metavar="TO",
        help="the new file, or a folder for a file with the date in its name",
    )
    parser.add_argument("--force", action="store_true", help="replace an existing file")


def run(folder: DataFolder, options: argparse.Namespace) -> None:
    """Copy the database.

    Raises:
        CannotServeError: the copy cannot be made. An existing file is unchanged.
    """
    with folder.kept():
        to = _target(folder, options.to, force=options.force)
        total = megabytes(folder.database_bytes)
        with Progress() as progress:

            def report(size_bytes: int) -> None:
                progress.show(lambda: f"copied {megabytes(size_bytes)} of up to {total}")

            try:
                copy(folder.database, to, report)
            except UnusableFileError as error:
                raise CannotServeError(
                    f"cannot copy {folder.database} to {to}: {error}; check the disk of the copy, "
                    f"and the database with: ./scripts/serve check --data {folder.path}"
                ) from None
    print(f"copied {folder.database} to {to} ({megabytes(to.stat().st_size)})")
    backups = find_backups(folder)
    if backups is not None and backups.count > 0:
        print(f"not in the copy: {backups}; copy them with cp -r, also while the server runs")


def _target(folder: DataFolder, name: str, *, force: bool) -> Path:
    to = Path(name)
    if name.endswith("/") and not to.is_dir():
        raise CannotServeError(f"the folder {name} does not exist; create it first")
    require_parent(to)
    if to.is_dir():
        to /= dated("liftlog", now())
    # The names of SQLite's files beside the database begin with its name.
    if to.resolve().as_posix().startswith(folder.database.resolve().as_posix()):
        raise CannotServeError(f"{to} belongs to the database; choose another name for the copy")
    if to.exists() and not force:
        raise CannotServeError(f"{to} exists; choose another name, or replace it with --force")
    return to
