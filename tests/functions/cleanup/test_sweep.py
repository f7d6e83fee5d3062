"""Going through everything: side by side, within a time, and whatever fails."""

import asyncio
from collections.abc import AsyncGenerator
from datetime import UTC, datetime

import pytest

from functions.cleanup.sweep import Purge, sweep
from shared.errors import DependencyUnavailable

NOW = datetime(2026, 1, 1, tzinfo=UTC)
LONG_S = 60


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
                await asyncio.sleep(0.001)
                yield 1
        finally:
            closed.append(True)

    return purge


async def test_what_goes_is_counted_by_its_kind() -> None:
    swept = await sweep({"a": pages(3, 4), "b": pages(), "c": pages(1)}, NOW, LONG_S)
    assert swept.deleted == {"a": 7, "c": 1}
    assert swept.unfinished == swept.failed == set()


async def test_each_is_told_what_time_it_is() -> None:
    told = []

    async def purge(now: datetime) -> AsyncGenerator[int, None]:
        told.append(now)
        yield 0

    await sweep({"a": purge}, NOW, LONG_S)
    assert told == [NOW]


async def test_when_the_time_is_over_what_is_left_is_unfinished() -> None:
    closed: list[bool] = []
    swept = await sweep({"short": pages(5), "endless": endless(closed)}, NOW, for_s=0.1)
    assert swept.unfinished == {"endless"}
    assert swept.deleted["short"] == 5
    assert swept.deleted["endless"] > 1
    assert closed == [True]


@pytest.mark.parametrize(
    "error", [DependencyUnavailable("the store", 5), ValueError("SECRET-of-a-user")], ids=type
)
async def test_one_that_fails_keeps_no_other_from_going_on(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    swept = await sweep({"bad": pages(2, fails_with=error), "good": pages(1, 1, 1)}, NOW, LONG_S)
    assert swept.failed == {"bad"}
    assert swept.deleted == {"bad": 2, "good": 3}
    assert swept.unfinished == set()
    assert "cannot clean up bad" in caplog.text
    if isinstance(error, DependencyUnavailable):
        assert "cannot clean up bad: the store is unavailable" in caplog.text


async def test_cancelling_ends_all_of_them() -> None:
    closed: list[bool] = []
    purges = {"one": endless(closed), "two": endless(closed)}
    sweeping = asyncio.create_task(sweep(purges, NOW, LONG_S))
    await asyncio.sleep(0.05)
    sweeping.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sweeping
    await asyncio.sleep(0)
    assert closed == [True, True]
