"""SingleFlight: shared results, keys, cancellation and failures."""

import asyncio
import gc

import pytest

from shared.concurrency.single_flight import SingleFlight
from tests.loopback import until
from tests.virtual_time import in_virtual_time


class Work:
    """Work that counts its executions and waits for `may_end`."""

    def __init__(self) -> None:
        self.started = 0
        self.may_end = asyncio.Event()

    async def do(self) -> int:
        self.started += 1
        await self.may_end.wait()
        return self.started

    async def fail(self) -> int:
        self.started += 1
        await self.may_end.wait()
        raise LookupError


@in_virtual_time
async def test_concurrent_calls_for_a_key_share_the_result() -> None:
    flight, work = SingleFlight[str, int](), Work()
    callers = [asyncio.create_task(flight.do("a", work.do)) for _ in range(5)]
    await asyncio.sleep(0)
    work.may_end.set()
    assert await asyncio.gather(*callers) == [1] * 5
    assert await flight.do("a", work.do) == 2


@in_virtual_time
async def test_work_for_different_keys_runs_concurrently() -> None:
    flight, work = SingleFlight[str, int](), Work()
    callers = [asyncio.create_task(flight.do(key, work.do)) for key in "ab"]
    await until(lambda: work.started == 2)
    work.may_end.set()
    assert await asyncio.gather(*callers) == [2, 2]


@in_virtual_time
async def test_cancelled_caller_does_not_cancel_the_work() -> None:
    flight, work = SingleFlight[str, int](), Work()
    first, second = (asyncio.create_task(flight.do("a", work.do)) for _ in range(2))
    await until(lambda: work.started == 1)
    first.cancel()
    work.may_end.set()
    assert await second == 1


@in_virtual_time
async def test_failure_reaches_all_callers_once() -> None:
    flight, work = SingleFlight[str, int](), Work()
    work.may_end.set()
    outcomes = await asyncio.gather(
        *(flight.do("a", work.fail) for _ in range(3)), return_exceptions=True
    )
    assert [type(outcome) for outcome in outcomes] == [LookupError] * 3
    assert await flight.do("a", work.do) == 2  # the three failures came from one execution


@in_virtual_time
async def test_failure_without_callers_is_not_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    flight, work = SingleFlight[str, int](), Work()
    caller = asyncio.create_task(flight.do("a", work.fail))
    await until(lambda: work.started == 1)
    caller.cancel()
    work.may_end.set()
    del caller
    await until(lambda: asyncio.all_tasks() == {asyncio.current_task()})
    gc.collect()
    assert "never retrieved" not in caplog.text
