"""Interruption of work after a number of calls to Firestore, as if its process was killed."""

import asyncio
from collections.abc import Awaitable, Callable
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
"""Small, so that little work takes many calls."""

_TIME_LIMIT_S = 600
ALL_CALLS = 1_000_000
"""More than any test makes: the work is not interrupted."""


class Gate:
    """Lets a number of calls to Firestore pass. Every later call blocks."""

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


class _Unary(grpc.aio.UnaryUnaryClientInterceptor):  # type: ignore[misc] # grpc is untyped
    def __init__(self, gate: Gate) -> None:
        self._gate = gate

    async def intercept_unary_unary(
        self, continuation: Any, details: object, request: object
    ) -> object:
        await self._gate.enter()
        return await continuation(details, request)


class _Stream(grpc.aio.UnaryStreamClientInterceptor):  # type: ignore[misc] # grpc is untyped
    def __init__(self, gate: Gate) -> None:
        self._gate = gate

    async def intercept_unary_stream(
        self, continuation: Any, details: object, request: object
    ) -> object:
        await self._gate.enter()
        return await continuation(details, request)


def gated(project: str, gate: Gate) -> Database:
    """Return the database of a project, with a gate before its calls."""
    return Database(DatabaseSettings(project=project), [_Unary(gate), _Stream(gate)])


async def interrupt(
    project: str, calls: int, work: Callable[[Database], Awaitable[None]]
) -> int | None:
    """Run `work`, and cancel it at the first call after `calls` of them.

    Returns:
        The number of calls if the work completed, otherwise None.
    """
    gate = Gate(calls)
    working = asyncio.ensure_future(work(gated(project, gate)))
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


def clean_up_in_process(project: str, run_id: str, calls: int, closed: Event) -> None:
    """Begin a pass that blocks after a number of calls, until the process is killed."""

    async def clean() -> None:
        gate = Gate(calls)
        cleaning = asyncio.create_task(clean_up(gated(project, gate), run_id))
        await gate.closed.wait()
        closed.set()
        await cleaning

    asyncio.run(clean())
