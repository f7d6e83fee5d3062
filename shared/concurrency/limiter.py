"""Limit on concurrent work: a number of slots, and a bounded wait for one."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from math import ceil

from shared.errors import Overloaded


class ConcurrencyLimiter:
    """Run at most `max_concurrent` blocks at a time; the others wait in order of arrival.

    Without a limit, a burst would slow down all of its requests until all of them time out.
    Belongs to the event loop in which it is used.

    Args:
        max_concurrent: the number of slots.
        max_wait_s: the longest wait for a slot; also the basis of `Retry-After`.
        subject: the limited work, a plural noun for the error message.
    """

    def __init__(self, max_concurrent: int, max_wait_s: float, subject: str) -> None:
        self._free_slots = asyncio.Semaphore(max_concurrent)
        self._max_wait_s = max_wait_s
        self._subject = subject

    @asynccontextmanager
    async def slot(self, *, wait_without_limit: bool = False) -> AsyncIterator[None]:
        """Wait for a slot and hold it for the length of the block.

        Args:
            wait_without_limit: ignore `max_wait_s`, for work that must not be rejected half-way.

        Raises:
            Overloaded: no slot became free within `max_wait_s`.
        """
        try:
            # The timeout covers the wait only: the block inside the slot has its own deadlines.
            async with asyncio.timeout(None if wait_without_limit else self._max_wait_s):
                await self._free_slots.acquire()
        except TimeoutError:
            raise Overloaded(self._subject, retry_after_s=ceil(self._max_wait_s)) from None
        try:
            yield
        finally:
            self._free_slots.release()
