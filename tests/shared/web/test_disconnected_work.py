"""Work that is cancelled when its client disconnects."""

import asyncio

import pytest
from starlette.requests import ClientDisconnect
from starlette.types import Message

from shared.errors import NotFound
from shared.web.disconnect import run_until_disconnect


class Connection:
    """The connection of a client that can disconnect."""

    def __init__(self) -> None:
        self._disconnected = asyncio.Event()

    def disconnect(self) -> None:
        self._disconnected.set()

    async def receive(self) -> Message:
        await self._disconnected.wait()
        return {"type": "http.disconnect"}


class Work:
    """Work that runs until `may_end` is set."""

    def __init__(self) -> None:
        self.has_begun = asyncio.Event()
        self.may_end = asyncio.Event()
        self.was_cancelled = False

    async def do(self) -> str:
        self.has_begun.set()
        try:
            await self.may_end.wait()
        except asyncio.CancelledError:
            self.was_cancelled = True
            raise
        return "done"


async def test_finished_work_returns_its_result() -> None:
    work = Work()
    work.may_end.set()
    assert await run_until_disconnect(Connection().receive, work.do()) == "done"


async def test_disconnect_cancels_the_work() -> None:
    connection, work = Connection(), Work()
    working = asyncio.create_task(run_until_disconnect(connection.receive, work.do()))
    await work.has_begun.wait()
    connection.disconnect()
    with pytest.raises(ClientDisconnect):
        await working
    assert work.was_cancelled


async def test_failed_work_raises_its_error() -> None:
    async def fail() -> None:
        raise NotFound("nothing there")

    with pytest.raises(NotFound):
        await run_until_disconnect(Connection().receive, fail())


async def test_cancellation_cancels_the_work() -> None:
    work = Work()
    working = asyncio.create_task(run_until_disconnect(Connection().receive, work.do()))
    await work.has_begun.wait()
    before = asyncio.all_tasks()
    working.cancel()
    with pytest.raises(asyncio.CancelledError):
        await working
    assert work.was_cancelled
    assert len(before - asyncio.all_tasks()) == 3
