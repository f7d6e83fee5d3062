"""Interruption of work after a number of calls to the database, as if its process was killed."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from multiprocessing.synchronize import Event
from typing import Any

from functions.cleanup.cleaner import Cleaner
from functions.cleanup.main import purges
from functions.cleanup.settings import CleanupSettings
from scripts.local.observed_engine import EngineCall, Execute, observed
from shared.store.cleanup_runs import CleanupRuns
from shared.store.database import Database
from shared.store.settings import DatabaseSettings

PAGE_SIZE = 2
"""Small, so that little work takes many calls."""

_TIME_LIMIT_S = 600
ALL_CALLS = 1_000_000
"""More than any test makes: the work is not interrupted."""


class Gate:
    """Lets a number of calls to the database pass. Every later call blocks."""

    def __init__(self, calls: int) -> None:
        self.passed = 0
        self.closed = asyncio.Event()
        """Set when the first call blocks."""

        self._calls = calls

    async def enter(self) -> None:
        """Return if the call may pass; otherwise block."""
        if self.passed == self._calls:
            self.closed.set()
            await asyncio.Event().wait()
        self.passed += 1


def gated(settings: DatabaseSettings, gate: Gate) -> Database:
    """Return a database with a gate before its calls."""

    async def enter(_call: EngineCall, execute: Execute) -> Any:
        await gate.enter()
        return await execute()

    return Database(settings, observed(enter))


async def interrupt(
    settings: DatabaseSettings, calls: int, work: Callable[[Database], Awaitable[None]]
) -> int | None:
    """Run `work`, and cancel it at the first call after `calls` of them.

    Returns:
        The number of calls if the work completed, otherwise None.
    """
    gate = Gate(calls)
    working = asyncio.ensure_future(work(gated(settings, gate)))
    closed = asyncio.create_task(gate.closed.wait())
    await asyncio.wait({working, closed}, return_when=asyncio.FIRST_COMPLETED)
    if working.done():
        closed.cancel()
        await working
        return gate.passed
    working.cancel()
    await asyncio.gather(working, return_exceptions=True)
    return None


async def clean_up(database: Database, run_id: str) -> None:
    """Make a pass of the cleanup, as the function does for a message."""
    work = purges(database, CleanupSettings(page_size=PAGE_SIZE))
    await Cleaner(work, CleanupRuns(database), _TIME_LIMIT_S).clean(run_id, datetime.now(UTC))


def clean_up_in_process(settings: DatabaseSettings, run_id: str, calls: int, closed: Event) -> None:
    """Begin a pass that blocks after a number of calls, until the process is killed."""

    async def clean() -> None:
        gate = Gate(calls)
        cleaning = asyncio.create_task(clean_up(gated(settings, gate), run_id))
        await gate.closed.wait()
        closed.set()
        await cleaning

    asyncio.run(clean())
