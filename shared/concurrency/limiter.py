"""Taking turns at work that is heavy: so much at a time, and nobody waits for long."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from math import ceil

from shared.errors import Overloaded


class ConcurrencyLimiter:
    """Lets `at_once` of those who come work, first come, first served.

    Without it a burst would slow all of them down together, until none is done in time. Belongs to
    the event loop in which it is used.
    """

    def __init__(self, at_once: int, longest_wait_s: float, who: str) -> None:
        self._free = asyncio.Semaphore(at_once)
        self._longest_wait_s = longest_wait_s
        self._who = who

    @asynccontextmanager
    async def take(self, *, patient: bool = False) -> AsyncIterator[None]:
        """Wait for a turn and have it for the length of the block.

        Who is `patient` waits as long as it takes.

        Raises:
            Overloaded: too many of `who` came before.
        """
        try:
            async with asyncio.timeout(None if patient else self._longest_wait_s):
                await self._free.acquire()
        except TimeoutError:
            raise Overloaded(self._who, retry_after_s=ceil(self._longest_wait_s)) from None
        try:
            yield
        finally:
            self._free.release()
