"""Maintenance of the database file: preparation, check, copy while in use, and summary."""

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from shared.store.data_model import USERS
from shared.store.engines.sqlite.file import File
from shared.store.engines.sqlite.indexes import Indexes
from shared.store.engines.sqlite.keys import key_of_path
from shared.store.engines.sqlite.schema import (
    APPLICATION_ID,
    IncompatibleFileError,
    document_entries,
    schema_version,
)

_MAX_PROBLEMS = 100
_STEPS_PER_REPORT, _ENTRIES_PER_REPORT = 10_000, 1000
# https://www.sqlite.org/fileformat.html#the_database_header: the application id ends there.
_HEADER_BYTES = 72
_MAGIC = b"SQLite format 3\x00"


def _ignore(*_: object) -> None:
    """Show no progress."""


class UnusableFileError(Exception):
    """The file cannot be used. The message names the reason."""


@dataclass(frozen=True)
class Summary:
    """The contents of a file in numbers."""

    schema_version: int
    users: int
    documents: int
    """All documents, also those of the users."""


def prepare(path: Path) -> None:
    """Create the file if it does not exist, or upgrade the file of an older program.

    If no other program uses the file, the changes in its `-wal` file move into it.

    Raises:
        UnusableFileError: the file cannot be opened, or is not a database of this program.
    """
    with _connected(path, _ignore):
        pass


def check(path: Path, on_progress: Callable[[], None] = _ignore) -> list[str]:
    """Return the problems of a file, at most 100 of SQLite's own; empty if the file is sound.

    Reads the whole file in one snapshot, and compares the index with the documents. Other programs
    may use the file. Calls `on_progress` several times per second.

    Raises:
        UnusableFileError: the file cannot be read, or is not a database of this program.
    """
    with _connected(path, on_progress) as connection:
        # The table of expected entries may be larger than the memory.
        connection.execute("PRAGMA temp_store = FILE")
        connection.execute("BEGIN")
        rows = connection.execute(f"PRAGMA integrity_check({_MAX_PROBLEMS})").fetchall()
        found = [str(row[0]) for row in rows if row[0] != "ok"]
        return found or list(_wrong_entries(connection, on_progress))


def copy(path: Path, to: Path, on_progress: Callable[[int], None] = _ignore) -> None:
    """Write a consistent copy of a file that may be in use. An existing `to` is replaced.

    The copy contains every commit that was answered before. It has no free pages. Calls
    `on_progress` with the size of the copy so far, several times per second.

    Raises:
        UnusableFileError: the file cannot be read, or the copy cannot be written.
    """
    unfinished = to.with_name(f"{to.name}.unfinished")

    def report() -> None:
        if unfinished.exists():
            on_progress(unfinished.stat().st_size)

    try:
        unfinished.unlink(missing_ok=True)
        with _connected(path, report) as connection:
            connection.execute("VACUUM INTO ?", (str(unfinished),))
        # The name appears when the content is on the disk.
        with unfinished.open("rb") as content:
            os.fsync(content.fileno())
        unfinished.replace(to)
    except OSError as error:
        raise UnusableFileError(error.strerror) from error
    finally:
        unfinished.unlink(missing_ok=True)


def is_database(path: Path) -> bool:
    """Return whether a file begins as a database of this program; false for an empty file.

    Raises:
        OSError: the file cannot be read.
    """
    with path.open("rb") as content:
        header = content.read(_HEADER_BYTES)
    # Until the `-wal` file moves into a new file, this has no application id.
    return header.startswith(_MAGIC) and (
        header.endswith(APPLICATION_ID.to_bytes(4, "big"))
        or path.with_name(f"{path.name}-wal").exists()
    )


def summarize(path: Path) -> Summary:
    """Count the documents of a file.

    Raises:
        UnusableFileError: the file cannot be read, or is not a database of this program.
    """
    with _connected(path, _ignore) as connection:
        users, documents = connection.execute(
            "SELECT count(*) FILTER (WHERE collection = ?), count(*) FROM documents",
            (key_of_path([USERS.name]),),
        ).fetchone()
        return Summary(schema_version(connection), users, documents)


@contextmanager
def _connected(path: Path, on_progress: Callable[[], None]) -> Iterator[sqlite3.Connection]:
    try:
        with closing(File(path, Indexes()).connect()) as connection:
            connection.set_progress_handler(on_progress, _STEPS_PER_REPORT)
            yield connection
    except (IncompatibleFileError, sqlite3.Error) as error:
        raise UnusableFileError(str(error)) from error


def _wrong_entries(
    connection: sqlite3.Connection, on_progress: Callable[[], None]
) -> Iterator[str]:
    connection.execute(
        "CREATE TEMP TABLE expected (scope, position, document, PRIMARY KEY (scope, position)) "
        "WITHOUT ROWID"
    )
    connection.executemany(
        "INSERT INTO expected VALUES (?, ?, ?)", _expected_entries(connection, on_progress)
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


def _expected_entries(
    connection: sqlite3.Connection, on_progress: Callable[[], None]
) -> Iterator[tuple[bytes, bytes, int]]:
    for number, entry in enumerate(document_entries(connection, Indexes())):
        # SQLite reports progress only during long statements. These are short ones.
        if number % _ENTRIES_PER_REPORT == 0:
            on_progress()
        yield entry
