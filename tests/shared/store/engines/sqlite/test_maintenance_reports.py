"""Maintenance of the database file: summary, snapshot, progress and errors."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from shared.store.data_model import EVENTS, USERS
from shared.store.database import Database
from shared.store.engines.sqlite.maintenance import (
    Summary,
    UnusableFileError,
    check,
    copy,
    is_database,
    prepare,
    summarize,
)
from shared.store.settings import DatabaseSettings

USER_COUNT = 3


async def fill(path: Path) -> None:
    """Write users with two events each."""
    database = Database(DatabaseSettings(file=path))
    batch = database.batch()
    for user in range(USER_COUNT):
        batch.set(database.document(USERS, str(user)), {"lookup": f"lookup-{user}"})
        for event in range(2):
            reference = database.document(EVENTS, str(event), user_id=str(user))
            batch.set(reference, {"timestamp": event})
    await database.commit(batch)
    await database.close()


def change(path: Path, statement: str) -> None:
    """Change a file behind the back of the engine."""
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(statement)


@pytest.fixture
async def path(tmp_path: Path) -> Path:
    """A database file with documents."""
    path = tmp_path / "a.db"
    await fill(path)
    return path


def test_summary_counts_users_and_documents(path: Path) -> None:
    assert summarize(path) == Summary(schema_version=1, users=USER_COUNT, documents=3 * USER_COUNT)


def test_check_sees_one_snapshot(path: Path) -> None:
    """A commit during the check changes documents and index entries together."""
    written: list[bool] = []

    def commit() -> None:
        if not written:
            written.append(True)
            change(path, "DELETE FROM entries")

    assert check(path, commit) == []
    assert written
    assert len(check(path)) == 1


def test_copy_reports_progress_and_is_whole(path: Path) -> None:
    change(path, "CREATE TABLE filler (content)")
    change(
        path,
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 30000) "
        "INSERT INTO filler SELECT zeroblob(500) FROM n",
    )
    sizes: list[int] = []
    to = path.with_name("b.db")
    copy(path, to, sizes.append)
    assert sizes == sorted(sizes)
    assert 0 < sizes[-1] <= to.stat().st_size
    assert summarize(to) == summarize(path)
    assert sorted(each.name for each in path.parent.iterdir()) == ["a.db", "b.db"]


def test_failed_copy_keeps_the_existing_file(path: Path) -> None:
    path.write_bytes(b"no database " * 100)
    to = path.with_name("b.db")
    to.write_text("old")
    with pytest.raises(UnusableFileError, match="file is not a database"):
        copy(path, to)
    assert to.read_text() == "old"
    assert sorted(each.name for each in path.parent.iterdir()) == ["a.db", "b.db"]


def test_copy_into_missing_folder_fails(path: Path) -> None:
    with pytest.raises(UnusableFileError, match="unable to open database"):
        copy(path, path.parent / "missing" / "b.db")


def test_only_our_files_are_databases(path: Path) -> None:
    assert is_database(path)
    other, empty = path.with_name("other.db"), path.with_name("empty.db")
    change(other, "CREATE TABLE t (a)")
    empty.touch()
    assert not is_database(other)
    assert not is_database(empty)


def test_newer_file_is_unusable(path: Path) -> None:
    change(path, "PRAGMA user_version = 99")
    for function in (check, prepare, summarize):
        with pytest.raises(UnusableFileError, match="install the newer program"):
            function(path)
