"""Work that is cut off after a number of calls to Firestore, as if its process was killed."""

import asyncio
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from multiprocessing.synchronize import Event
from typing import Any

import grpc.aio

from functions.cleanup.cleaner import Cleaner
from functions.cleanup.main import purges
from functions.cleanup.settings import CleanupSettings
from shared.store.cleanup_runs import CleanupRuns
from shared.store.database import Database
from shared.store.settings import DatabaseSettings

PAGE_SIZE = 2
"""Small, so that a little work takes many calls."""

_LONGEST_S = 600
ALL_CALLS = 1_000_000


class Gate:
    """Lets a number of calls to Firestore pass; every later call blocks."""

    def __init__(self, calls: int) -> None:
        self.passed = 0
        self.closed = asyncio.Event()
        """Set when a call came after the last one that may pass."""

        self._calls = calls

    async def enter(self) -> None:
        """Return if the call may pass."""
        if self.passed == self._calls:
            self.closed.set()
            await asyncio.Event().wait()
        self.passed += 1


class _Unary(grpc.aio.UnaryUnaryClientInterceptor):  # type: ignore[misc] # grpc is untyped
    def __init__(self, gate: Gate) -> None:
        self._gate = gate

    async def intercept_unary_unary(self, continuation: Any, details: Any, request: Any) -> Any:
        await self._gate.enter()
        return await continuation(details, request)


class _Stream(grpc.aio.UnaryStreamClientInterceptor):  # type: ignore[misc] # grpc is untyped
    def __init__(self, gate: Gate) -> None:
        self._gate = gate

    async def intercept_unary_stream(self, continuation: Any, details: Any, request: Any) -> Any:
        await self._gate.enter()
        return await continuation(details, request)


def gated(project: str, gate: Gate) -> Database:
    """Return the database of a project, behind a gate."""
    return Database(DatabaseSettings(project=project), [_Unary(gate), _Stream(gate)])


async def cut_off(
    project: str, calls: int, work: Callable[[Database], Coroutine[Any, Any, None]]
) -> int | None:
    """Do `work` until it wants to make another call than `calls`, and cancel it then.

    Return how many calls it made if it came to its end, else None.
    """
    gate = Gate(calls)
    working = asyncio.create_task(work(gated(project, gate)))
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
    """Make a pass of the cleanup, as its function does for a message."""
    work = purges(database, CleanupSettings(page_size=PAGE_SIZE))
    await Cleaner(work, CleanupRuns(database), _LONGEST_S).clean(run_id, datetime.now(UTC))


def clean_up_in_process(project: str, run_id: str, calls: int, closed: Event) -> None:
    """Make a pass that stops after a number of calls, and wait to be killed."""

    async def clean() -> None:
        gate = Gate(calls)
        cleaning = asyncio.create_task(clean_up(gated(project, gate), run_id))
        await gate.closed.wait()
        closed.set()
        await cleaning

    asyncio.run(clean())
