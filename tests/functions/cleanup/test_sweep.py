"""A pass with several purges: concurrency, time limit and failures."""

import asyncio
import itertools
from collections.abc import AsyncGenerator, Iterator
from datetime import UTC, datetime

import pytest

from functions.cleanup.sweep import Purge, sweep
from shared.errors import DependencyUnavailable

NOW = datetime(2026, 1, 1, tzinfo=UTC)
TIME_LIMIT_S = 60


def pages(*counts: int, fails_with: Exception | None = None) -> Purge:
    async def purge(_now: datetime) -> AsyncGenerator[int, None]:
        for count in counts:
            await asyncio.sleep(0)
            yield count
        if fails_with is not None:
            raise fails_with

    return purge


def endless(closed: list[bool]) -> Purge:
    async def purge(_now: datetime) -> AsyncGenerator[int, None]:
        try:
            while True:
                await asyncio.sleep(0)
                yield 1
        finally:
            closed.append(True)

    return purge


async def test_deletions_are_counted_by_kind() -> None:
    result = await sweep({"a": pages(3, 4), "b": pages(), "c": pages(1)}, NOW, TIME_LIMIT_S)
    assert result.deleted == {"a": 7, "c": 1}
    assert result.unfinished == result.failed == set()


async def test_all_purges_get_the_same_time() -> None:
    times = []

    async def purge(now: datetime) -> AsyncGenerator[int, None]:
        times.append(now)
        yield 0

    await sweep({"a": purge}, NOW, TIME_LIMIT_S)
    assert times == [NOW]


def ticks() -> Iterator[int]:
    """Return the readings of a clock, with a second between any two."""
    return itertools.count()


async def test_sweep_stops_a_purge_at_the_time_limit() -> None:
    closed: list[bool] = []
    clock = ticks()
    purges = {"short": pages(5), "endless": endless(closed)}
    result = await sweep(purges, NOW, time_limit_s=10, clock=lambda: next(clock))
    assert result.unfinished == {"endless"}
    assert result.deleted == {"short": 5, "endless": 9}
    assert result.failed == set()
    assert closed == [True]


async def test_every_purge_gets_one_page_without_any_time() -> None:
    result = await sweep({"a": pages(3, 4), "b": pages(2)}, NOW, time_limit_s=0)
    assert result.deleted == {"a": 3, "b": 2}
    assert result.unfinished == {"a", "b"}


@pytest.mark.parametrize(
    "error", [DependencyUnavailable("the database", 5), ValueError("SECRET-of-a-user")], ids=type
)
async def test_failing_purge_does_not_stop_the_others(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    result = await sweep(
        {"bad": pages(2, fails_with=error), "good": pages(1, 1, 1)}, NOW, TIME_LIMIT_S
    )
    assert result.failed == {"bad"}
    assert result.deleted == {"bad": 2, "good": 3}
    assert result.unfinished == set()
    assert "cannot clean up bad" in caplog.text
    if isinstance(error, DependencyUnavailable):
        assert "cannot clean up bad: the database is unavailable" in caplog.text


async def test_cancelling_a_sweep_closes_every_purge() -> None:
    closed: list[bool] = []
    purges = {"one": endless(closed), "two": endless(closed)}
    clock = ticks()
    begun = asyncio.Event()

    def read() -> float:
        reading = next(clock)
        if reading > len(purges):
            begun.set()
        return 0

    sweeping = asyncio.create_task(sweep(purges, NOW, TIME_LIMIT_S, clock=read))
    await begun.wait()
    sweeping.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sweeping
    await asyncio.sleep(0)
    assert closed == [True, True]
