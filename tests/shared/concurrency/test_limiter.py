"""ConcurrencyLimiter: the number of slots, the bounded wait, and the release of slots."""

import asyncio

import pytest

from shared.concurrency.limiter import ConcurrencyLimiter
from shared.errors import Overloaded
from tests.virtual_time import in_virtual_time


@in_virtual_time
async def test_wait_ends_with_overloaded_after_max_wait_s() -> None:
    limiter = ConcurrencyLimiter(1, max_wait_s=0.01, subject="visitors")
    async with limiter.slot():
        with pytest.raises(Overloaded, match="too many visitors") as caught:
            async with limiter.slot():
                pass
    assert caught.value.retry_after_s == 1


@in_virtual_time
async def test_wait_without_limit_exceeds_max_wait_s() -> None:
    limiter = ConcurrencyLimiter(1, max_wait_s=0.01, subject="visitors")

    async def wait() -> bool:
        async with limiter.slot(wait_without_limit=True):
            return True

    async with limiter.slot():
        waiting = asyncio.create_task(wait())
        await asyncio.sleep(0.05)
    assert await waiting


@in_virtual_time
async def test_slot_is_free_after_error_and_cancelled_wait() -> None:
    limiter = ConcurrencyLimiter(1, max_wait_s=5, subject="visitors")
    with pytest.raises(LookupError):
        async with limiter.slot():
            raise LookupError
    async with limiter.slot():
        waiting = asyncio.create_task(limiter.slot().__aenter__())
        await asyncio.sleep(0)
        waiting.cancel()
    async with asyncio.timeout(5), limiter.slot():
        pass


@in_virtual_time
async def test_limiter_runs_all_blocks_within_max_concurrent() -> None:
    limiter = ConcurrencyLimiter(3, max_wait_s=5, subject="visitors")
    running, max_running, done = 0, 0, 0

    async def work() -> None:
        nonlocal running, max_running, done
        async with limiter.slot():
            running += 1
            max_running = max(max_running, running)
            await asyncio.sleep(0.001)
            running -= 1
            done += 1

    await asyncio.gather(*(work() for _ in range(20)))
    assert (max_running, done) == (3, 20)
