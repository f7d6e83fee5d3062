"""The locks of other programs and processes on the file."""

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from shared.store.engines.sqlite.locks import LOCK_TIMEOUT_S
from shared.store.settings import DatabaseSettings
from tests.shared.store.engines.sqlite.scenarios import Scenario


@contextmanager
def lock_of_another_program(path: Path, *options: str) -> Iterator[None]:
    """Hold the write lock inside the block."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for option in options:
            connection.execute(f"PRAGMA {option}").fetchall()
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("UPDATE state SET value = value WHERE name = 'indexes'")
        yield
        connection.execute("ROLLBACK")


def test_two_waits_for_lock_fit_into_one_attempt() -> None:
    default = DatabaseSettings.model_fields["attempt_timeout_s"].default
    assert default > 2 * LOCK_TIMEOUT_S


async def test_locked_file_fails_commits_until_unlocked(tmp_path: Path) -> None:
    path = tmp_path / "data.db"
    with Scenario.logged(path) as scenario:
        await scenario.expect_service("before")
        with lock_of_another_program(path):
            await scenario.expect_outage()
        await scenario.expect_service("after")
        await scenario.database.close()
    reason = (
        "database is locked (SQLITE_BUSY). Another process holds its lock. "
        "If this lasts, end that process."
    )
    assert scenario.lines == [
        f"cannot write the database file {path}: {reason}",
        f"can write the database file {path} again",
    ]


async def test_commit_waits_for_short_lock(tmp_path: Path) -> None:
    path = tmp_path / "data.db"
    with Scenario.logged(path) as scenario:
        await scenario.expect_service("before")
        with lock_of_another_program(path):
            writing = asyncio.create_task(scenario.write("waiting"))
            await asyncio.wait({writing}, timeout=LOCK_TIMEOUT_S / 10)
        await writing
        assert await scenario.read("waiting") == 2
        await scenario.database.close()
    assert scenario.lines == []


async def test_exclusive_lock_fails_reads_until_unlocked(tmp_path: Path) -> None:
    path = tmp_path / "data.db"
    with Scenario.logged(path) as scenario:
        await scenario.expect_service("before")
        await scenario.database.close()
        with lock_of_another_program(path, "locking_mode = EXCLUSIVE"):
            await scenario.expect_outage(of_reads=True)
        await scenario.expect_service("after")
        await scenario.database.close()
    assert len(scenario.lines) == 4


@pytest.mark.parametrize("names", [["one"], [f"pair-{number}" for number in range(100)]])
async def test_lock_leaves_no_failed_commit_behind(tmp_path: Path, names: list[str]) -> None:
    path = tmp_path / "data.db"
    scenario = Scenario(path)
    await scenario.expect_service("before")
    with lock_of_another_program(path):
        errors = await scenario.write_all(names)
        assert None not in errors
    await scenario.write("after")
    assert [await scenario.read(name) for name in names] == [0] * len(names)
    await scenario.database.close()
