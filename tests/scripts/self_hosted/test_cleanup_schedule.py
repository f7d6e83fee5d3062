"""The schedule of the cleanup, with a clock that the test moves."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from scripts.self_hosted.cleanup_schedule import CleanupSchedule, next_hour
from shared.errors import DependencyUnavailable
from shared.store.cleanup_runs import CleanupRuns, Pass
from shared.store.database import Database
from shared.store.settings import DatabaseSettings

START = datetime(2026, 9, 1, 10, 20, tzinfo=UTC)


class Clock:
    """A clock that advances by sleeping, and ends the schedule at a time."""

    def __init__(self, ends_at: datetime) -> None:
        self.time = START
        self._ends_at = ends_at

    def now(self) -> datetime:
        return self.time

    async def sleep(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)
        if self.time >= self._ends_at:
            raise asyncio.CancelledError


class Passes:
    """Records passes; the first ones fail with the given errors."""

    def __init__(self, clock: Clock, *errors: Exception) -> None:
        self._clock = clock
        self._errors = list(errors)
        self.made: list[tuple[str, str]] = []
        """The id of the run, and the time of each pass."""

    async def clean(self, run_id: str, started_at: datetime) -> None:
        assert run_id == f"{started_at:%Y-%m-%dT%H:%M:%SZ}"
        self.made.append((f"{started_at:%H:%M}", f"{self._clock.time:%H:%M}"))
        if self._errors:
            raise self._errors.pop(0)


@pytest.fixture
async def runs(tmp_path: Path) -> AsyncIterator[CleanupRuns]:
    """The runs of an empty database."""
    database = Database(DatabaseSettings(file=tmp_path / "liftlog.db"))
    yield CleanupRuns(database)
    await database.close()


async def passes_until(
    end: datetime, runs: CleanupRuns, *errors: Exception
) -> list[tuple[str, str]]:
    """Run the schedule from `START` to `end`; return its passes."""
    clock = Clock(end)
    passes = Passes(clock, *errors)
    with pytest.raises(asyncio.CancelledError):
        await CleanupSchedule(passes.clean, runs, clock.now, clock.sleep).run()
    return passes.made


async def add_run(runs: CleanupRuns, started_at: datetime, *, has_ended: bool = True) -> None:
    await runs.begin("earlier", started_at)
    if has_ended:
        await runs.add_pass("earlier", Pass(Counter()), started_at + timedelta(seconds=1))


async def test_cleanup_runs_at_start_and_at_full_hours(runs: CleanupRuns) -> None:
    made = await passes_until(START + timedelta(hours=2), runs)
    assert made == [("10:20", "10:20"), ("11:00", "11:00"), ("12:00", "12:00")]


async def test_recent_run_delays_cleanup_to_the_full_hour(runs: CleanupRuns) -> None:
    await add_run(runs, START - timedelta(minutes=20))
    assert await passes_until(START + timedelta(hours=1), runs) == [("11:00", "11:00")]


async def test_old_run_makes_cleanup_due_at_start(runs: CleanupRuns) -> None:
    await add_run(runs, START - timedelta(minutes=61))
    assert await passes_until(START + timedelta(minutes=1), runs) == [("10:20", "10:20")]


async def test_interrupted_run_makes_cleanup_due_at_start(runs: CleanupRuns) -> None:
    await add_run(runs, START - timedelta(minutes=5), has_ended=False)
    assert await passes_until(START + timedelta(minutes=1), runs) == [("10:20", "10:20")]


@pytest.mark.parametrize("error", [DependencyUnavailable("x", 1), KeyError("x")], ids=type)
async def test_failed_pass_is_repeated_with_longer_pauses(
    runs: CleanupRuns, error: Exception
) -> None:
    made = await passes_until(START + timedelta(minutes=40), runs, error, error, error)
    assert made == [("10:20", time) for time in ("10:20", "10:21", "10:23", "10:27")]


async def test_repeated_failures_end_before_the_next_run(runs: CleanupRuns) -> None:
    errors = [DependencyUnavailable("x", 1)] * 6
    made = await passes_until(START + timedelta(hours=1), runs, *errors)
    times = ("10:20", "10:21", "10:23", "10:27", "10:35", "10:45", "10:55")
    assert made == [
        *(("10:20", time) for time in times[:6]),
        ("10:20", "10:55"),
        ("11:00", "11:00"),
    ]


async def test_endless_failures_do_not_delay_the_next_run(runs: CleanupRuns) -> None:
    errors = [DependencyUnavailable("x", 1)] * 100
    made = await passes_until(START + timedelta(minutes=40, seconds=30), runs, *errors)
    assert [run for run, _ in made] == ["10:20"] * 7 + ["11:00"]


async def test_changed_clock_is_noticed_within_five_minutes(runs: CleanupRuns) -> None:
    await add_run(runs, START)
    clock = Clock(START + timedelta(days=1))
    passes = Passes(clock)
    jumps = iter([timedelta(hours=3)])

    async def sleep(seconds: float) -> None:
        assert seconds <= 300
        await clock.sleep(seconds)
        clock.time += next(jumps, timedelta())

    schedule = CleanupSchedule(passes.clean, runs, clock.now, sleep)
    with pytest.raises(asyncio.CancelledError):
        await schedule.run()
    assert passes.made[0] == ("13:25", "13:25")


def test_next_hour_is_after_the_given_time() -> None:
    assert next_hour(START) == datetime(2026, 9, 1, 11, tzinfo=UTC)
    assert next_hour(datetime(2026, 9, 1, 23, tzinfo=UTC)) == datetime(2026, 9, 2, tzinfo=UTC)
