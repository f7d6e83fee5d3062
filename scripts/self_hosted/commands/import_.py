"""Read all documents of an exported file into the database. The server must not run."""

import argparse
import asyncio
import sys

from scripts.migration.databases import Databases
from scripts.migration.files import PIPE, reading
from scripts.migration.import_ import import_all
from scripts.migration.lines import LineReader
from scripts.self_hosted.data_folder import DataFolder
from scripts.self_hosted.errors import CannotServeError
from scripts.self_hosted.migrations import (
    add_firestore,
    databases_of_file,
    databases_of_project,
    errors_in_one_line,
)
from scripts.self_hosted.progress import Progress
from shared.store.engines.sqlite.maintenance import prepare


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument(
        "file",
        metavar="FILE",
        help="a file that `export` has written, compressed if its name ends with .gz; "
        "- for standard input",
    )
    parser.add_argument(
        "--merge",
        action="store_true",
        help="also if the database has documents; a document of the file replaces the one with "
        "the same path",
    )
    add_firestore(parser)


def run(folder: DataFolder, options: argparse.Namespace) -> None:
    """Check the whole file, then import its documents.

    Raises:
        CannotServeError: the import is incomplete. If the file is damaged, nothing was imported,
            except from standard input.
    """
    with errors_in_one_line("cannot import"):
        if options.firestore:
            asyncio.run(_import(databases_of_project(options.firestore), options))
            return
        folder.create()
        with folder.replaceable():
            prepare(folder.database)
            folder.hand_over(folder.database)
            asyncio.run(_import(databases_of_file(folder.database), options))


async def _import(databases: Databases, options: argparse.Namespace) -> None:
    try:
        if not options.merge:
            await _require_empty(databases)
        # Standard input can be read only once.
        if options.file != PIPE:
            _check(options.file)
        with reading(options.file) as lines, Progress() as progress:
            count = await import_all(
                databases,
                LineReader(lines),
                lambda count: progress.show_count("imported", count, "documents"),
            )
    finally:
        await databases.close()
    print(f"imported {count:,} documents in {progress.passed_s:,.1f} s", file=sys.stderr)


async def _require_empty(databases: Databases) -> None:
    found = await databases.find_document()
    if found is not None:
        raise CannotServeError(
            f"the database is not empty: {found.collection.name} has documents; import into an "
            "empty database, or add --merge"
        )


def _check(name: str) -> None:
    with reading(name) as lines, Progress() as progress:
        for count, _ in enumerate(LineReader(lines), start=1):
            progress.show_count("checked", count, "documents")
