"""Maintenance of the database file: preparation, check of its contents, copy while in use."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from shared.store.engines.sqlite.file import File
from shared.store.engines.sqlite.indexes import Indexes
from shared.store.engines.sqlite.schema import IncompatibleFileError, document_entries

_MAX_PROBLEMS = 100


class UnusableFileError(Exception):
    """The file cannot be used. The message names the reason."""


def prepare(path: Path) -> None:
    """Create the file if it does not exist, or upgrade the file of an older program.

    Raises:
        UnusableFileError: the file cannot be opened, or is not a database of this program.
    """
    try:
        File(path, Indexes()).connect().close()
    except (IncompatibleFileError, sqlite3.Error) as error:
        raise UnusableFileError(str(error)) from error


def check(path: Path) -> list[str]:
    """Return the problems of a file, at most 100 of SQLite's own; empty if the file is sound.

    Reads the whole file, and compares the index with the documents.

    Raises:
        IncompatibleFileError: the file is not a database of this program.
        sqlite3.Error: the file cannot be read.
    """
    indexes = Indexes()
    with closing(File(path, indexes).connect()) as connection:
        rows = connection.execute(f"PRAGMA integrity_check({_MAX_PROBLEMS})").fetchall()
        found = [str(row[0]) for row in rows if row[0] != "ok"]
        return found or list(_wrong_entries(connection, indexes))


def copy(path: Path, to: Path) -> None:
    """Write a consistent copy of a file that may be in use. An existing `to` is replaced.

    The copy contains every commit that was answered before. It has no free pages.

    Raises:
        IncompatibleFileError: the file is not a database of this program.
        sqlite3.Error: the file cannot be read, or the copy cannot be written.
    """
    unfinished = to.with_name(f"{to.name}.unfinished")
    unfinished.unlink(missing_ok=True)
    with closing(File(path, Indexes()).connect()) as connection:
        connection.execute("VACUUM INTO ?", (str(unfinished),))
    # The name appears when the content is on the disk.
    with unfinished.open("rb") as content:
        os.fsync(content.fileno())
    unfinished.replace(to)


def _wrong_entries(connection: sqlite3.Connection, indexes: Indexes) -> Iterator[str]:
    connection.execute(
        "CREATE TEMP TABLE expected (scope, position, document, PRIMARY KEY (scope, position)) "
        "WITHOUT ROWID"
    )
    connection.executemany(
        "INSERT INTO expected VALUES (?, ?, ?)", document_entries(connection, indexes)
    )
    for problem, more, less in (
        ("entries of the index are missing", "expected", "entries"),
        ("entries of the index have no document", "entries", "expected"),
    ):
        (count,) = connection.execute(
            f"SELECT count(*) FROM (SELECT * FROM {more} EXCEPT SELECT * FROM {less})"  # noqa: S608 - constants
        ).fetchone()
        if count:
            yield f"{count} {problem}"
