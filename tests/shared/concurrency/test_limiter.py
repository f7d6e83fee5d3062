"""Turns, as those see them who wait for one."""

import asyncio

import pytest

from shared.concurrency.limiter import ConcurrencyLimiter
from shared.errors import Overloaded
from tests.virtual_time import in_virtual_time


@in_virtual_time
async def test_whoever_waits_too_long_is_told_when_to_come_again() -> None:
    turns = ConcurrencyLimiter(1, longest_wait_s=0.01, who="visitors")
    async with turns.take():
        with pytest.raises(Overloaded, match="too many visitors") as caught:
            async with turns.take():
                pass
    assert caught.value.retry_after_s == 1


@in_virtual_time
async def test_who_is_patient_waits_longer() -> None:
    turns = ConcurrencyLimiter(1, longest_wait_s=0.01, who="visitors")

    async def wait() -> bool:
        async with turns.take(patient=True):
            return True

    async with turns.take():
        waiting = asyncio.create_task(wait())
        await asyncio.sleep(0.05)
    assert await waiting


@in_virtual_time
async def test_a_turn_ends_with_its_block_however_that_ends() -> None:
    turns = ConcurrencyLimiter(1, longest_wait_s=5, who="visitors")
    with pytest.raises(LookupError):
        async with turns.take():
            raise LookupError
    async with turns.take():
        waiting = asyncio.create_task(turns.take().__aenter__())
        await asyncio.sleep(0)
        waiting.cancel()
    async with asyncio.timeout(5), turns.take():
        pass


@in_virtual_time
async def test_so_many_work_at_a_time_and_all_of_them_come_to_work() -> None:
    turns = ConcurrencyLimiter(3, longest_wait_s=5, who="visitors")
    working, most, done = 0, 0, 0

    async def work() -> None:
        nonlocal working, most, done
        async with turns.take():
            working += 1
            most = max(most, working)
            await asyncio.sleep(0.001)
            working -= 1
            done += 1

    await asyncio.gather(*(work() for _ in range(20)))
    assert (most, done) == (3, 20)
