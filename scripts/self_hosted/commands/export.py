"""Write all documents to a file of lines, also while the server runs."""

import argparse
import asyncio
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from scripts.migration.databases import Databases
from scripts.migration.export import export_all
from scripts.migration.files import PIPE, writing
from scripts.self_hosted.data_folder import DataFolder
from scripts.self_hosted.errors import CannotServeError
from scripts.self_hosted.migrations import (
    add_firestore,
    databases_of_file,
    databases_of_project,
    errors_in_one_line,
)
from scripts.self_hosted.names import require_parent
from scripts.self_hosted.progress import Progress
from shared.store.engines.sqlite.maintenance import copy
from shared.timestamps import now


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument(
        "file",
        metavar="FILE",
        help="the new file, compressed if its name ends with .gz; - for standard output",
    )
    parser.add_argument("--force", action="store_true", help="replace an existing file")
    add_firestore(parser)


def run(folder: DataFolder, options: argparse.Namespace) -> None:
    """Export all documents.

    Raises:
        CannotServeError: there is no new file. An existing file is unchanged.
    """
    _require_new(options.file, force=options.force)
    with errors_in_one_line("cannot export"):
        if options.firestore:
            asyncio.run(_export(databases_of_project(options.firestore), options.file))
        else:
            with _snapshot(folder) as file:
                asyncio.run(_export(databases_of_file(file), options.file))


def _require_new(name: str, *, force: bool) -> None:
    if name == PIPE:
        return
    require_parent(Path(name))
    if Path(name).is_dir():
        raise CannotServeError(f"{name} is a folder; name a file")
    if Path(name).exists() and not force:
        raise CannotServeError(f"{name} exists; choose another name, or replace it with --force")


@contextmanager
def _snapshot(folder: DataFolder) -> Iterator[Path]:
    """Yield a copy of the database: the documents of one instant."""
    with folder.kept(), TemporaryDirectory(prefix="export-", dir=folder.path) as temporary:
        file = Path(temporary) / folder.database.name
        with Progress() as progress:
            copy(folder.database, file, lambda _: progress.show(lambda: "copying the database"))
        yield file


async def _export(databases: Databases, name: str) -> None:
    try:
        with writing(name) as write, Progress() as progress:
            count = await export_all(
                databases,
                write,
                now(),
                lambda count: progress.show_count("exported", count, "documents"),
            )
    finally:
        await databases.close()
    print(f"exported {count:,} documents in {progress.passed_s:,.1f} s", file=sys.stderr)
