"""The log lines about a file that cannot be used, with real errors of SQLite."""

import logging
import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from shared.store.engines.sqlite.failures import FailureLog
from shared.store.engines.sqlite.schema import IncompatibleFileError

PATH = Path("/data/liftlog.db")


def error_of(cause: Callable[[Path], object], path: Path) -> sqlite3.Error:
    with pytest.raises(sqlite3.Error) as error:
        cause(path)
    return error.value


def fill(_path: Path) -> None:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute("PRAGMA max_page_count = 1")
        connection.execute("CREATE TABLE one (content)")


def open_missing(path: Path) -> None:
    sqlite3.connect(path / "missing" / "data.db")


def open_text(path: Path) -> None:
    file = path / "data.db"
    file.write_text("text" * 1000)
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("SELECT * FROM sqlite_schema")


def write_read_only(path: Path) -> None:
    file = path / "data.db"
    file.touch()
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as connection:
        connection.execute("CREATE TABLE one (content)")


def lock(path: Path) -> None:
    file = path / "data.db"
    with (
        closing(sqlite3.connect(file, isolation_level=None)) as holder,
        closing(sqlite3.connect(file, timeout=0)) as waiting,
    ):
        holder.execute("BEGIN EXCLUSIVE")
        waiting.execute("CREATE TABLE one (content)")


ACCESS = (
    f"Check that the folder exists, and that user {os.geteuid()} may write the folder and its files"
)


LOCKED = (
    "database is locked (SQLITE_BUSY). Another process holds its lock. "
    "If this lasts, end that process."
)


@pytest.mark.parametrize(
    ("cause", "description"),
    [
        (fill, "database or disk is full (SQLITE_FULL). Free space on the disk."),
        (open_missing, f"unable to open database file (SQLITE_CANTOPEN). {ACCESS}."),
        (open_text, "file is not a database (SQLITE_NOTADB). Restore a copy of the file."),
        (
            write_read_only,
            f"attempt to write a readonly database (SQLITE_READONLY). {ACCESS}.",
        ),
        (
            lock,
            LOCKED,
        ),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_line_names_file_error_and_next_step(
    cause: Callable[[Path], object],
    description: str,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    FailureLog(PATH, "write").note_failure(error_of(cause, tmp_path), now=0)
    assert caplog.messages == [f"cannot write the database file {PATH}: {description}"]


def test_line_explains_incompatible_file(caplog: pytest.LogCaptureFixture) -> None:
    error = IncompatibleFileError("the database file belongs to another program")
    FailureLog(PATH, "read").note_failure(error, now=0)
    assert caplog.messages == [f"cannot read the database file {PATH}: {error}"]


@pytest.fixture
def full(tmp_path: Path) -> sqlite3.Error:
    return error_of(fill, tmp_path)


@pytest.fixture
def locked(tmp_path: Path) -> sqlite3.Error:
    return error_of(lock, tmp_path)


def test_each_kind_of_failure_is_logged_once(
    full: sqlite3.Error, locked: sqlite3.Error, caplog: pytest.LogCaptureFixture
) -> None:
    log = FailureLog(PATH, "write")
    for now in range(1000):
        log.note_failure(full, now)
        log.note_failure(locked, now)
    assert ["full" in line for line in caplog.messages] == [True, False]


def test_end_of_failures_is_logged_once(
    full: sqlite3.Error, caplog: pytest.LogCaptureFixture
) -> None:
    log = FailureLog(PATH, "write")
    log.note_success()
    log.note_failure(full, now=0)
    for _ in range(3):
        log.note_success()
    assert caplog.messages[1:] == [f"can write the database file {PATH} again"]
    assert [record.levelno for record in caplog.records] == [logging.ERROR, logging.WARNING]


def test_alternating_failures_are_logged_once_a_minute(
    full: sqlite3.Error, caplog: pytest.LogCaptureFixture
) -> None:
    log = FailureLog(PATH, "write")
    for now in range(180):
        log.note_failure(full, now)
        log.note_success()
    assert ["cannot" in line for line in caplog.messages] == [True, False] * 3


def test_failure_that_lasts_is_logged_after_a_recovery(
    full: sqlite3.Error, caplog: pytest.LogCaptureFixture
) -> None:
    log = FailureLog(PATH, "write")
    log.note_failure(full, now=0)
    log.note_success()
    for now in range(1, 180):
        log.note_failure(full, now)
    assert ["cannot" in line for line in caplog.messages] == [True, False, True]
