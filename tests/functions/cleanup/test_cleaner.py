"""Passes of the cleanup: their time limit, failures, and what the log of runs holds."""

import asyncio
import logging
from collections.abc import AsyncGenerator
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from functions.cleanup.cleaner import Cleaner
from functions.cleanup.sweep import Purge
from shared.errors import DependencyUnavailable
from shared.store.cleanup_runs import CleanupRuns, Pass, Run
from shared.store.database import Database
from shared.store.settings import DatabaseSettings

LIMIT_S = 60


class Work:
    """Pages to delete, each of which takes a second of a clock of its own."""

    def __init__(self, pages: int, *, page: int = 10, fails: bool = False) -> None:
        self.left = pages
        self.page = page
        self.fails = fails
        self.time_s = 0.0

    def clock(self) -> float:
        """Return the time."""
        return self.time_s

    async def purge(self, _now: datetime) -> AsyncGenerator[int, None]:
        """Delete all pages."""
        if self.fails:
            raise DependencyUnavailable("the store", 5)
        while self.left:
            self.time_s += 1
            self.left -= 1
            yield self.page


class Bench:
    """A cleaner of one kind of document."""

    def __init__(self, work: Work, database: Database | None = None) -> None:
        self.runs = CleanupRuns(database or Database(DatabaseSettings()))
        self.work = work
        self.run_id = f"test-{uuid4()}"
        self.asked_at = datetime.now(UTC)

    async def clean(self, purge: Purge | None = None) -> None:
        purges = {"work": purge or self.work.purge}
        cleaner = Cleaner(purges, self.runs, LIMIT_S, self.work.clock)
        await cleaner.clean(self.run_id, self.asked_at)

    async def run(self) -> Run:
        run = await self.runs.find(self.run_id)
        assert run is not None
        return run


async def test_pass_that_finishes_completes_the_run() -> None:
    bench = Bench(Work(3))
    await bench.clean()
    run = await bench.run()
    assert run.ended_at is not None
    assert run.ended_at >= run.started_at
    assert (run.deleted, run.unfinished, run.failed) == ({"work": 30}, (), ())


async def test_pass_ends_the_run_at_its_time_limit() -> None:
    bench = Bench(Work(100))
    await bench.clean()
    run = await bench.run()
    assert run.ended_at is not None
    assert (run.deleted, run.unfinished, run.failed) == ({"work": 10 * LIMIT_S}, ("work",), ())
    await bench.clean()
    assert bench.work.left == 100 - LIMIT_S


async def test_pass_that_deletes_nothing_in_its_time_is_no_failure() -> None:
    bench = Bench(Work(100, page=0))
    await bench.clean()
    run = await bench.run()
    assert run.ended_at is not None
    assert (run.deleted, run.unfinished, run.failed) == ({}, ("work",), ())


async def test_log_line_is_complete_only_when_nothing_remains(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    await Bench(Work(100)).clean()
    await Bench(Work(2)).clean()
    with pytest.raises(DependencyUnavailable):
        await Bench(Work(2, fails=True)).clean()
    lines = [vars(each)["json_fields"] for each in caplog.records if "deleted" in each.message]
    assert [(each["deleted_in_all"], each["completes_run"]) for each in lines] == [
        (10 * LIMIT_S, False),
        (20, True),
        (0, False),
    ]


def held(until: asyncio.Event | asyncio.Barrier, work: Work) -> Purge:
    """Return a purge that begins its work when `until` allows it."""

    async def purge(now: datetime) -> AsyncGenerator[int, None]:
        await until.wait()
        async for deleted in work.purge(now):
            yield deleted

    return purge


async def test_passes_at_once_succeed_and_write_one_run() -> None:
    bench = Bench(Work(5))
    at_once = held(asyncio.Barrier(8), bench.work)
    await asyncio.gather(*(bench.clean(at_once) for _ in range(8)))
    run = await bench.run()
    assert run.ended_at is not None
    assert (run.deleted, run.unfinished, run.failed) == ({"work": 50}, (), ())


async def test_failing_pass_does_not_reopen_a_run_that_has_ended() -> None:
    bench = Bench(Work(1))
    release = asyncio.Event()
    failing = asyncio.create_task(bench.clean(held(release, Work(1, fails=True))))
    while await bench.runs.find(bench.run_id) is None:
        assert not failing.done()
    await bench.clean()
    ended = await bench.run()
    assert ended.ended_at is not None
    release.set()
    with pytest.raises(DependencyUnavailable):
        await failing
    assert await bench.run() == ended


async def test_failed_pass_is_noted_and_repeated_by_the_next_delivery() -> None:
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


async def test_cleaner_gives_up_a_failing_message_after_an_hour(
    caplog: pytest.LogCaptureFixture,
) -> None:
    bench = Bench(Work(5, fails=True))
    bench.asked_at -= timedelta(hours=1)
    await bench.clean()
    [error] = [record for record in caplog.records if record.levelname == "ERROR"]
    assert "gave up on work" in error.message
    run = await bench.run()
    assert (run.ended_at, run.failed) == (None, ("work",))


class Unnoted(CleanupRuns):
    """A log that cannot be written when a pass has ended."""

    async def note(self, run_id: str, done: Pass, now: datetime) -> None:  # noqa: ARG002
        """Fail."""
        raise DependencyUnavailable("the store", 5)


async def test_deletions_are_logged_when_the_run_cannot_be_noted(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    bench = Bench(Work(2))
    bench.runs = Unnoted(Database(DatabaseSettings()))
    with pytest.raises(DependencyUnavailable):
        await bench.clean()
    assert "deleted 20 work" in caplog.text
    assert (await bench.run()).ended_at is None


class Repeating(Database):
    """A store that gets every commit twice, as after a lost answer."""

    async def commit(self, batch, *, repeatable: bool = True) -> None:  # type: ignore[no-untyped-def] # noqa: ANN001
        """Commit twice."""
        for _ in range(2):
            await super().commit(batch, repeatable=repeatable)


async def test_repeated_note_counts_deletions_once() -> None:
    bench = Bench(Work(3), Repeating(DatabaseSettings()))
    await bench.clean()
    assert (await bench.run()).deleted == {"work": 30}


async def test_run_is_visible_while_its_pass_goes_on() -> None:
    bench = Bench(Work(1))
    release = asyncio.Event()
    cleaning = asyncio.create_task(bench.clean(held(release, bench.work)))
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
