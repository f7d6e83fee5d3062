"""Passes of the cleanup: time limit, failures, and the log of runs."""

import asyncio
import logging
from collections.abc import AsyncGenerator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from functions.cleanup.cleaner import Cleaner
from functions.cleanup.sweep import Purge
from shared.errors import DependencyUnavailable
from shared.store.cleanup_runs import CleanupRuns, Pass, Run
from shared.store.database import Database
from shared.store.settings import DatabaseSettings

if TYPE_CHECKING:
    from google.cloud.firestore_v1.async_batch import AsyncWriteBatch

TIME_LIMIT_S = 60


class Work:
    """A purge with a number of pages. Each takes a second of its own clock."""

    def __init__(self, pages: int, *, page_size: int = 10, fails: bool = False) -> None:
        self.pages_left = pages
        self.page_size = page_size
        self.fails = fails
        self.time_s = 0.0

    def clock(self) -> float:
        """Return the time."""
        return self.time_s

    async def purge(self, _now: datetime) -> AsyncGenerator[int, None]:
        """Yield the pages, or fail."""
        if self.fails:
            raise DependencyUnavailable("the database", 5)
        while self.pages_left:
            self.time_s += 1
            self.pages_left -= 1
            yield self.page_size


class Bench:
    """A cleaner with one purge."""

    def __init__(self, work: Work, database: Database | None = None) -> None:
        self.runs = CleanupRuns(database or Database(DatabaseSettings()))
        self.work = work
        self.run_id = f"test-{uuid4()}"
        self.published_at = datetime.now(UTC)

    async def clean(self, purge: Purge | None = None) -> None:
        purges = {"work": purge or self.work.purge}
        cleaner = Cleaner(purges, self.runs, TIME_LIMIT_S, self.work.clock)
        await cleaner.clean(self.run_id, self.published_at)

    async def run(self) -> Run:
        run = await self.runs.find(self.run_id)
        assert run is not None
        return run


async def test_complete_pass_ends_the_run() -> None:
    bench = Bench(Work(3))
    await bench.clean()
    run = await bench.run()
    assert run.ended_at is not None
    assert run.ended_at >= run.started_at
    assert (run.deleted, run.unfinished, run.failed) == ({"work": 30}, (), ())


async def test_pass_at_its_time_limit_ends_the_run() -> None:
    bench = Bench(Work(100))
    await bench.clean()
    run = await bench.run()
    assert run.ended_at is not None
    assert (run.deleted, run.unfinished, run.failed) == ({"work": 10 * TIME_LIMIT_S}, ("work",), ())
    await bench.clean()
    assert bench.work.pages_left == 100 - TIME_LIMIT_S


async def test_pass_without_deletions_ends_the_run() -> None:
    bench = Bench(Work(100, page_size=0))
    await bench.clean()
    run = await bench.run()
    assert run.ended_at is not None
    assert (run.deleted, run.unfinished, run.failed) == ({}, ("work",), ())


async def test_log_line_shows_whether_a_run_is_complete(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    await Bench(Work(100)).clean()
    await Bench(Work(2)).clean()
    with pytest.raises(DependencyUnavailable):
        await Bench(Work(2, fails=True)).clean()
    lines = [vars(each)["json_fields"] for each in caplog.records if "deleted" in each.message]
    assert [(each["deleted_in_all"], each["completes_run"]) for each in lines] == [
        (10 * TIME_LIMIT_S, False),
        (20, True),
        (0, False),
    ]


def delayed(until: asyncio.Event | asyncio.Barrier, work: Work) -> Purge:
    """Return a purge that waits for `until` before its work."""

    async def purge(now: datetime) -> AsyncGenerator[int, None]:
        await until.wait()
        async for deleted in work.purge(now):
            yield deleted

    return purge


async def test_concurrent_passes_write_one_run() -> None:
    bench = Bench(Work(5))
    concurrent = delayed(asyncio.Barrier(8), bench.work)
    await asyncio.gather(*(bench.clean(concurrent) for _ in range(8)))
    run = await bench.run()
    assert run.ended_at is not None
    assert (run.deleted, run.unfinished, run.failed) == ({"work": 50}, (), ())


async def test_failed_pass_does_not_reopen_an_ended_run() -> None:
    bench = Bench(Work(1))
    release = asyncio.Event()
    failing = asyncio.create_task(bench.clean(delayed(release, Work(1, fails=True))))
    while await bench.runs.find(bench.run_id) is None:
        assert not failing.done()
    await bench.clean()
    ended = await bench.run()
    assert ended.ended_at is not None
    release.set()
    with pytest.raises(DependencyUnavailable):
        await failing
    assert await bench.run() == ended


async def test_failed_pass_is_repeated_by_the_next_delivery() -> None:
    bench = Bench(Work(5, fails=True))
    with pytest.raises(DependencyUnavailable):
        await bench.clean()
    run = await bench.run()
    assert (run.ended_at, run.failed) == (None, ("work",))
    bench.work.fails = False
    await bench.clean()
    run = await bench.run()
    assert run.ended_at is not None
    assert (run.deleted, run.failed) == ({"work": 50}, ())


async def test_cleaner_gives_up_on_a_message_after_an_hour(
    caplog: pytest.LogCaptureFixture,
) -> None:
    bench = Bench(Work(5, fails=True))
    bench.published_at -= timedelta(hours=1)
    await bench.clean()
    [error] = [record for record in caplog.records if record.levelname == "ERROR"]
    assert "gave up on work" in error.message
    run = await bench.run()
    assert (run.ended_at, run.failed) == (None, ("work",))


class UnwritableRuns(CleanupRuns):
    """A log of runs that cannot store passes."""

    async def add_pass(self, _run_id: str, _result: Pass, _now: datetime) -> None:
        """Fail."""
        raise DependencyUnavailable("the database", 5)


async def test_deletions_are_logged_when_the_pass_cannot_be_stored(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    bench = Bench(Work(2))
    bench.runs = UnwritableRuns(Database(DatabaseSettings()))
    with pytest.raises(DependencyUnavailable):
        await bench.clean()
    assert "deleted 20 work" in caplog.text
    assert (await bench.run()).ended_at is None


class RepeatingCommits(Database):
    """A database that executes every commit twice, as after a lost response."""

    async def commit(self, batch: "AsyncWriteBatch", *, repeatable: bool = True) -> None:
        """Commit twice."""
        for _ in range(2):
            await super().commit(batch, repeatable=repeatable)


async def test_repeated_commit_counts_deletions_once() -> None:
    bench = Bench(Work(3), RepeatingCommits(DatabaseSettings()))
    await bench.clean()
    assert (await bench.run()).deleted == {"work": 30}


async def test_run_is_visible_during_its_pass() -> None:
    bench = Bench(Work(1))
    release = asyncio.Event()
    cleaning = asyncio.create_task(bench.clean(delayed(release, bench.work)))
    while (run := await bench.runs.find(bench.run_id)) is None:
        assert not cleaning.done()
    assert (run.ended_at, run.deleted, run.failed) == (None, {}, ())
    release.set()
    await cleaning


async def test_newest_runs_come_first() -> None:
    bench = Bench(Work(0))
    for _ in range(2):
        bench.run_id = f"test-{uuid4()}"
        await bench.clean()
    newest = await bench.runs.newest(100)
    started = [run.started_at for run in newest]
    assert started == sorted(started, reverse=True)
    assert len(await bench.runs.newest(1)) == 1
