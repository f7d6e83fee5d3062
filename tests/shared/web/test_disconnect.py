"""Work and handlers whose client disconnects."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Scope

import functions.events.main
import functions.sharing.main
import functions.social.main
import functions.users.main
from scripts.local.observed_engine import observed
from scripts.local.ports import HOST
from shared.errors import NotFound
from shared.schemas.wire import Request, Response
from shared.store.database import Database
from shared.store.settings import DatabaseSettings
from shared.web.app import build_app
from shared.web.disconnect import run_until_disconnect
from shared.web.json_stream import JsonStream, stream_list
from shared.web.routes import Handler, Route
from tests.loopback import served, until

USER_ID = "00000000-0000-4000-8000-000000000000"
FEED = f'{{"users":[{{"userId":"{USER_ID}","followSecret":"s","since":"2000-01-01T00:00:00Z"}}]}}'


class EmptyRequest(Request):
    """Has no fields."""


class Line(Response):
    text: str


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
    """Work, or a handler, that runs until `may_end` is set."""

    def __init__(self) -> None:
        self.has_begun = asyncio.Event()
        self.may_end = asyncio.Event()
        self.outcome = "running"

    async def do(self) -> str:
        self.has_begun.set()
        try:
            await self.may_end.wait()
        except asyncio.CancelledError:
            self.outcome = "cancelled"
            raise
        self.outcome = "finished"
        return "result"

    async def handle(self, _request: EmptyRequest) -> None:
        await self.do()


async def disconnected_during(work: Work, handler: Handler, *, is_cancellable: bool) -> None:
    """Call a route, and disconnect once its handler has begun."""
    route = Route("POST", "/test", "x", EmptyRequest, None, handler, is_cancellable=is_cancellable)
    scope: Scope = {"type": "http", "method": "POST", "path": "/test", "headers": []}
    scope["query_string"] = b""
    messages = iter([{"type": "http.request", "body": b"{}", "more_body": False}])

    async def receive() -> Message:
        if (message := next(messages, None)) is not None:
            return message
        await work.has_begun.wait()
        return {"type": "http.disconnect"}

    async def send(_message: Message) -> None:
        """Discard the message."""

    calling = asyncio.create_task(call(build_app([route]), scope, receive, send))
    await work.has_begun.wait()
    if not is_cancellable:
        for _ in range(100):  # more event loop iterations than a cancellation needs
            await asyncio.sleep(0)
        work.may_end.set()
    await calling


async def call(app: ASGIApp, *channels: Any) -> None:
    await app(*channels)


async def test_finished_work_returns_its_result() -> None:
    work = Work()
    work.may_end.set()
    assert await run_until_disconnect(Connection().receive, work.do()) == "result"


async def test_disconnect_cancels_the_work() -> None:
    connection, work = Connection(), Work()
    working = asyncio.create_task(run_until_disconnect(connection.receive, work.do()))
    await work.has_begun.wait()
    connection.disconnect()
    with pytest.raises(ClientDisconnect):
        await working
    assert work.outcome == "cancelled"


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
    assert work.outcome == "cancelled"
    assert len(before - asyncio.all_tasks()) == 3


async def test_reading_handler_is_cancelled_on_disconnect() -> None:
    work = Work()
    await disconnected_during(work, work.handle, is_cancellable=True)
    assert work.outcome == "cancelled"


async def test_writing_handler_finishes_after_disconnect() -> None:
    work = Work()
    await disconnected_during(work, work.handle, is_cancellable=False)
    assert work.outcome == "finished"


@pytest.mark.parametrize("chunks_before", [0, 1, 5])
async def test_streamed_answer_stops_on_disconnect(chunks_before: int) -> None:
    began = asyncio.Event()
    ended: list[type[BaseException] | None] = []

    async def lines() -> AsyncIterator[Line]:
        try:
            for _ in range(chunks_before):
                yield Line(text="x" * 100_000)
            began.set()
            await asyncio.Event().wait()
        except BaseException as error:
            ended.append(type(error))
            raise

    async def stream(_request: EmptyRequest) -> JsonStream:
        return stream_list("lines", lines(), {})

    work = Work()
    work.has_begun = began
    await disconnected_during(work, stream, is_cancellable=True)
    assert ended == [asyncio.CancelledError]


class Hanging:
    """Blocks every read of the database, and counts the blocked reads."""

    def __init__(self) -> None:
        self.begun = 0
        self.waiting = 0

    async def observe(self, *_: Any) -> Any:
        self.begun += 1
        self.waiting += 1
        try:
            await asyncio.Event().wait()
        finally:
            self.waiting -= 1


READS = {
    "user by id": (f"GET /user/{USER_ID}", ""),
    "user by lookup": ("GET /user/abcdefghijkl", ""),
    "user by HEAD": (f"HEAD /v2/user/{USER_ID}", ""),
    "users": ("POST /users", f'{{"ids": ["{USER_ID}"]}}'),
    "feed": ("POST /events", FEED),
    "shared item": ("GET /shareditem/abcdefghijkl", ""),
    "inbox": ("POST /inbox", f'{{"userId": "{USER_ID}", "password": "p"}}'),
}


@pytest.fixture(scope="module")
def hanging() -> Hanging:
    return Hanging()


@pytest.fixture(scope="module")
def port(hanging: Hanging) -> Iterator[int]:
    """Serve every cancellable route, with a database that does not respond."""
    database = Database(DatabaseSettings(), observed(hanging.observe))
    services = (
        functions.users.main,
        functions.events.main,
        functions.sharing.main,
        functions.social.main,
    )
    routes = [route for service in services for route in service.routes(database)]
    with served(build_app(routes)) as address:
        yield int(address.rpartition(":")[2])


@pytest.mark.parametrize("read", READS.values(), ids=READS)
async def test_database_read_is_cancelled_on_disconnect(
    hanging: Hanging, port: int, read: tuple[str, str]
) -> None:
    line, body = read
    before = hanging.begun
    with socket.create_connection((HOST, port)) as client:
        head = f"{line} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
        client.sendall((head + body).encode())
        await until(lambda: hanging.begun > before)
        assert hanging.waiting
    await until(lambda: not hanging.waiting)
