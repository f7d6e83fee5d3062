"""The version of the file: creation, upgrades, and files that are refused."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from shared.store.data_model import ALL, SHARED_ITEMS
from shared.store.database import Database
from shared.store.engines.sqlite.indexes import Indexes
from shared.store.engines.sqlite.maintenance import check
from shared.store.engines.sqlite.schema import (
    UPGRADES,
    IncompatibleFileError,
    prepare,
    schema_version,
)
from shared.store.settings import DatabaseSettings
from tests.stored_documents import put

NEWER = [*UPGRADES, "CREATE TABLE first (x);\nCREATE TABLE second (x);\n"]
UNINDEXED = Indexes(
    [replace(each, unindexed=("user_id",)) if each == SHARED_ITEMS else each for each in ALL]
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "liftlog.db"


@pytest.fixture
def connection(path: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        yield connection


def tables(connection: sqlite3.Connection) -> set[str]:
    found = connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")
    return {name for (name,) in found}


def count_entries(connection: sqlite3.Connection) -> int:
    (count,) = connection.execute("SELECT count(*) FROM entries").fetchone()
    return int(count)


async def write_items(path: Path, count: int) -> None:
    database = Database(DatabaseSettings(file=path))
    for number in range(count):
        document = database.document(SHARED_ITEMS, str(number))
        await put(database, document, {"user_id": "a", "encrypted_payload": b"x"})
    await database.close()


def test_new_file_has_the_newest_version(connection: sqlite3.Connection) -> None:
    prepare(connection, Indexes())
    assert schema_version(connection) == len(UPGRADES)
    assert {"documents", "entries", "state"} <= tables(connection)


def test_older_file_is_upgraded_step_by_step(connection: sqlite3.Connection) -> None:
    prepare(connection, Indexes())
    prepare(connection, Indexes(), NEWER)
    assert schema_version(connection) == len(NEWER)
    assert {"first", "second"} <= tables(connection)


async def test_upgrade_keeps_all_documents(path: Path, connection: sqlite3.Connection) -> None:
    await write_items(path, 3)
    prepare(connection, Indexes(), NEWER)
    assert connection.execute("SELECT count(*) FROM documents").fetchone() == (3,)
    assert count_entries(connection) == 3


def test_failed_upgrade_changes_nothing(connection: sqlite3.Connection) -> None:
    prepare(connection, Indexes())
    before = tables(connection)
    with pytest.raises(sqlite3.OperationalError):
        prepare(connection, Indexes(), [*NEWER, "CREATE TABLE documents (x);\n"])
    assert tables(connection) == before
    assert schema_version(connection) == len(UPGRADES)
    assert not connection.in_transaction


def test_newer_file_is_refused_in_one_line(connection: sqlite3.Connection) -> None:
    prepare(connection, Indexes(), NEWER)
    with pytest.raises(IncompatibleFileError) as refused:
        prepare(connection, Indexes())
    [line] = str(refused.value).splitlines()
    assert f"schema version {len(NEWER)}" in line
    assert f"up to {len(UPGRADES)}" in line
    assert "install the newer program" in line


def test_database_of_another_program_is_refused(connection: sqlite3.Connection) -> None:
    connection.execute("CREATE TABLE recipes (name)")
    with pytest.raises(IncompatibleFileError, match="belongs to another program"):
        prepare(connection, Indexes())
    assert tables(connection) == {"recipes"}


async def test_changed_data_model_rebuilds_the_index(
    path: Path, connection: sqlite3.Connection
) -> None:
    await write_items(path, 3)
    assert count_entries(connection) == 3
    prepare(connection, UNINDEXED)
    # The payload has an entry now, and the user has none.
    assert count_entries(connection) == 3
    prepare(connection, Indexes())
    assert count_entries(connection) == 3
    assert check(path) == []


async def test_unchanged_data_model_keeps_the_index(
    path: Path, connection: sqlite3.Connection
) -> None:
    await write_items(path, 1)
    connection.execute("DELETE FROM entries")
    prepare(connection, Indexes())
    assert count_entries(connection) == 0
    prepare(connection, UNINDEXED)
    assert count_entries(connection) == 1
