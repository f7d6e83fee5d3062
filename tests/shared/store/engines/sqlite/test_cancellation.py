"""Cancelled and late callers, another event loop, a forked process, and the end of the engine."""

import asyncio
import os
from contextlib import closing
from pathlib import Path

import pytest

from shared.errors import DependencyTimedOut, DependencyUnavailable
from shared.store.engines.sqlite.commits import PendingCommit
from shared.store.engines.sqlite.maintenance import check
from tests.shared.store.engines.sqlite import children
from tests.shared.store.engines.sqlite.children import Report
from tests.shared.store.engines.sqlite.scenarios import SIDES, Scenario
from tests.shared.store.engines.sqlite.test_locks import lock_of_another_program


async def start_all(scenario: Scenario, names: list[str]) -> "list[asyncio.Task[None]]":
    """Start a commit for each name; return when each waits for its transaction."""
    tasks = [asyncio.create_task(scenario.write(name)) for name in names]
    await asyncio.sleep(0)
    return tasks


async def read_all(scenario: Scenario, *names: str) -> list[int]:
    return [await scenario.read(name) for name in names]


async def test_cancelled_commit_is_whole_or_absent(tmp_path: Path) -> None:
    scenario = Scenario(tmp_path / "data.db")
    await scenario.write("before")
    for steps in range(30):
        names = [f"{steps}-{number}" for number in range(3)]
        cancelled, *others = await start_all(scenario, names)
        for _ in range(steps):
            await asyncio.sleep(0)
        cancelled.cancel()
        await asyncio.gather(*others)
        assert await scenario.read(names[0]) in (0, len(SIDES))
        assert [await scenario.read(name) for name in names[1:]] == [len(SIDES)] * 2
    await scenario.database.close()
    assert check(tmp_path / "data.db") == []


async def test_commit_of_cancelled_caller_is_dropped_in_queue(tmp_path: Path) -> None:
    path = tmp_path / "data.db"
    scenario = Scenario(path)
    await scenario.write("before")
    with lock_of_another_program(path):
        waiting, *queued = await start_all(scenario, ["waiting", *map(str, range(20))])
        for task in queued:
            task.cancel()
        await asyncio.wait(queued)
    await waiting
    await scenario.write("after")
    assert await scenario.read("waiting") == len(SIDES)
    assert [await scenario.read(str(number)) for number in range(20)] == [0] * 20
    await scenario.database.close()


async def test_late_commit_is_dropped_in_queue(tmp_path: Path) -> None:
    path = tmp_path / "data.db"
    scenario, late = Scenario(path), Scenario(path, attempt_timeout_s=0.1)
    await scenario.write("before")
    with lock_of_another_program(path), pytest.raises(DependencyTimedOut):
        await late.write("late")
    await late.database.close()
    assert await scenario.read("late") == 0
    await scenario.database.close()


def test_abandoned_commit_keeps_no_writes() -> None:
    commit = PendingCommit([])
    commit.writes = ["a write"]
    commit.abandon()
    assert not commit.writes


async def test_cancelled_reads_leave_threads_usable(tmp_path: Path) -> None:
    path = tmp_path / "data.db"
    scenario = Scenario(path)
    await scenario.write("before")
    await scenario.database.close()
    with lock_of_another_program(path, "locking_mode = EXCLUSIVE"):
        # All threads wait for the lock; the other reads wait for a thread.
        reads = [asyncio.create_task(scenario.read("before")) for _ in range(100)]
        await asyncio.sleep(0)
        for read in reads:
            read.cancel()
        await asyncio.wait(reads)
    assert await scenario.read("before") == len(SIDES)
    await scenario.database.close()


async def test_close_finishes_running_commits(tmp_path: Path) -> None:
    path = tmp_path / "data.db"
    scenario = Scenario(path)
    await scenario.write("before")
    with lock_of_another_program(path):
        [running] = await start_all(scenario, ["running"])
        await asyncio.sleep(0)
        queued = await start_all(scenario, ["first", "second"])
        closing = asyncio.create_task(scenario.database.close())
        await asyncio.sleep(0)
    await asyncio.gather(running, closing)
    errors = await asyncio.gather(*queued, return_exceptions=True)
    assert {type(error) for error in errors} == {DependencyUnavailable}
    # The next call opens the file again.
    assert await read_all(scenario, "running", "first", "second") == [len(SIDES), 0, 0]
    await scenario.database.close()


def test_database_follows_the_event_loop(tmp_path: Path) -> None:
    scenario = Scenario(tmp_path / "data.db")

    async def use(name: str) -> None:
        await scenario.write(name)
        await scenario.database.close()

    def use_twice() -> None:
        for name in ("first", "second"):
            with closing(asyncio.new_event_loop()) as loop:
                loop.run_until_complete(use(name))

    use_twice()
    assert check(tmp_path / "data.db") == []


def use_before_and_after_fork(report: Report, path: Path) -> None:
    scenario = Scenario(path)
    asyncio.run(scenario.write("before"))
    if (pid := os.fork()) == 0:
        asyncio.run(scenario.write("child"))
        os._exit(0)
    _, status = os.waitpid(pid, 0)
    asyncio.run(scenario.write("parent"))
    report(status)
    report(asyncio.run(read_all(scenario, "before", "child", "parent")))


def test_fork_uses_its_own_connections(tmp_path: Path) -> None:
    path = tmp_path / "data.db"
    assert children.run(use_before_and_after_fork, path) == [0, [len(SIDES)] * 3]
    assert check(path) == []
