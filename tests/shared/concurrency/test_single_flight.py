"""Work that several want at the same time."""

import asyncio
import gc

import pytest

from shared.concurrency.single_flight import SingleFlight
from tests.loopback import until
from tests.virtual_time import in_virtual_time


class Work:
    """Counts how often it was begun, and ends when it may."""

    def __init__(self) -> None:
        self.begun = 0
        self.may_end = asyncio.Event()

    async def do(self) -> int:
        self.begun += 1
        await self.may_end.wait()
        return self.begun

    async def fail(self) -> int:
        self.begun += 1
        await self.may_end.wait()
        raise LookupError


@in_virtual_time
async def test_who_wants_the_same_at_the_same_time_shares_it() -> None:
    flight, work = SingleFlight[str, int](), Work()
    callers = [asyncio.create_task(flight.do("a", work.do)) for _ in range(5)]
    await asyncio.sleep(0)
    work.may_end.set()
    assert await asyncio.gather(*callers) == [1] * 5
    assert await flight.do("a", work.do) == 2


@in_virtual_time
async def test_other_work_is_done_beside_it() -> None:
    flight, work = SingleFlight[str, int](), Work()
    callers = [asyncio.create_task(flight.do(key, work.do)) for key in "ab"]
    await until(lambda: work.begun == 2)
    work.may_end.set()
    await asyncio.gather(*callers)


@in_virtual_time
async def test_one_callers_hanging_up_is_not_the_others() -> None:
    flight, work = SingleFlight[str, int](), Work()
    first, second = (asyncio.create_task(flight.do("a", work.do)) for _ in range(2))
    await until(lambda: work.begun == 1)
    first.cancel()
    work.may_end.set()
    assert await second == 1


@in_virtual_time
async def test_a_failure_reaches_everyone_and_is_not_kept() -> None:
    flight, work = SingleFlight[str, int](), Work()
    work.may_end.set()
    outcomes = await asyncio.gather(
        *(flight.do("a", work.fail) for _ in range(3)), return_exceptions=True
    )
    assert [type(outcome) for outcome in outcomes] == [LookupError] * 3
    assert await flight.do("a", work.do) == 2  # the failures shared one call


@in_virtual_time
async def test_a_failure_that_nobody_waits_for_is_no_noise(
    caplog: pytest.LogCaptureFixture,
) -> None:
    flight, work = SingleFlight[str, int](), Work()
    caller = asyncio.create_task(flight.do("a", work.fail))
    await until(lambda: work.begun == 1)
    caller.cancel()
    work.may_end.set()
    del caller
    await until(lambda: asyncio.all_tasks() == {asyncio.current_task()})
    gc.collect()
    assert "never retrieved" not in caplog.text
