"""The chat in this process, on a port of its own, and a client that speaks in raw frames."""

import asyncio
import json
import socket
import threading
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.http11 import Response

from functions.chat.connection import Timing
from functions.chat.handlers import ChatHandlers, OpenHub
from functions.chat.server import Server, configured, listening
from scripts.local.ports import HOST
from shared.clients.http import Client
from shared.purchases.authenticator import Purchase, PurchaseAuthenticator
from shared.web.app import build_app

END = "\x1e"
HANDSHAKE = '{"protocol":"json","version":1}' + END
TOKEN = "SECRET-token-of-a-subscriber"  # noqa: S105
PATIENCE_S = 120
"""Ends a test that hangs; no outcome depends on it."""

_LARGE_BUFFER_BYTES = 2**20
UPGRADE = (
    b"GET /hub HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
    b"Authorization: Web " + TOKEN.encode() + b"\r\n\r\n"
)
"""A subscriber's request to connect."""


class Watched(Server):
    """A server whose event loop is known to other threads."""

    loop: asyncio.AbstractEventLoop | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to listen."""
        self.loop = asyncio.get_running_loop()
        await super().startup(sockets)


class Door:
    """Where a chat is."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.address = f"http://{HOST}:{port}"

    @asynccontextmanager
    async def connected(
        self, path: str = "/hub", token: str | None = f"Web {TOKEN}", **options: Any
    ) -> AsyncIterator["Wire"]:
        """Connect, without a handshake yet."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        where = self.address.replace("http", "ws", 1) + path
        # The library's own pings would end a connection that a test does not read.
        options = {"ping_interval": None, **options}
        async with connect(where, additional_headers=headers, **options) as socket:
            yield Wire(socket)

    @asynccontextmanager
    async def shaken(self, path: str = "/hub", **options: Any) -> AsyncIterator["Wire"]:
        """Connect, with the handshake done."""
        async with self.connected(path, **options) as wire:
            await wire.frame(HANDSHAKE)
            assert await wire.record() == {}
            yield wire

    @asynccontextmanager
    async def shaken_by_a_slow_client(
        self, path: str = "/hub", **options: Any
    ) -> AsyncIterator["Wire"]:
        """Connect with the smallest receive buffers: what the test does not read blocks sending."""
        small = socket.socket()
        small.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
        small.connect((HOST, self.port))
        async with self.shaken(path, sock=small, max_queue=1, **options) as wire:
            yield wire

    async def upgraded(self, path: str = "/hub", header: str | None = None) -> Response:
        """Try to connect; return the answer, whatever it is."""
        headers = {} if header is None else {"Authorization": header}
        where = self.address.replace("http", "ws", 1) + path
        try:
            async with connect(where, additional_headers=headers) as socket:
                assert socket.response is not None
                return socket.response
        except InvalidStatus as refused:
            return refused.response


class Running(Door):
    """A chat that is being served in this process."""

    def __init__(self, chat: ChatHandlers, server: Watched, port: int) -> None:
        super().__init__(port)
        self.chat = chat
        self._server = server

    def stop(self) -> None:
        """Tell it to stop, as SIGTERM does."""
        self._server.should_exit = True

    @property
    def sockets(self) -> int:
        """How many sockets of clients are open."""
        return len(self._server.server_state.connections)

    @property
    def unsent_bytes(self) -> int:
        """How much is kept for clients that do not read, as bytes to be written."""
        connections = [*self._server.server_state.connections]
        return sum(each.transport.get_write_buffer_size() for each in connections)

    def end_grace(self) -> None:
        """End all connections, as when the grace period has passed."""
        assert self._server.loop is not None
        self._server.loop.call_soon_threadsafe(self.chat.hang_up)

    def tasks(self) -> list[str]:
        """Return what runs on the server's event loop, besides the server itself."""
        if self._server.loop is None:
            return []
        running = [task.get_coro() for task in asyncio.all_tasks(self._server.loop)]
        names = [getattr(each, "__qualname__", repr(each)) for each in running]
        return [name for name in names if name != "Server.serve"]


class Wire:
    """A WebSocket that is read record by record."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self._records: list[str] = []

    def enlarge_buffers(self) -> None:
        """Read fast from now on: the kernel needs up to 200 ms to fill a buffer of 2 KiB."""
        own: socket.socket = self.socket.transport.get_extra_info("socket")
        own.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _LARGE_BUFFER_BYTES)

    async def frame(self, text: str | bytes) -> None:
        """Send one frame as it is."""
        await self.socket.send(text)

    async def send(self, *messages: Mapping[str, Any]) -> None:
        """Send messages, all in one frame."""
        await self.frame("".join(json.dumps(message) + END for message in messages))

    async def record(self) -> Any:
        """Return the next record."""
        while not self._records:
            async with asyncio.timeout(PATIENCE_S):
                frame = await self.socket.recv()
            assert isinstance(frame, str), "frames of JSON hubs are text"
            assert frame.endswith(END), "a record never spans two frames"
            self._records += frame.split(END)[:-1]
        return json.loads(self._records.pop(0))

    async def until_completed(self, invocation_id: str) -> list[Any]:
        """Return all records up to the completion of an invocation, which is the last."""
        records = [await self.record()]
        while not (records[-1]["type"] == 3 and records[-1]["invocationId"] == invocation_id):
            records.append(await self.record())
        return records

    async def rest(self) -> list[Any]:
        """Return all records that still come until the connection has ended."""
        records = []
        async with asyncio.timeout(PATIENCE_S):
            with suppress(ConnectionClosed):
                while True:
                    records.append(await self.record())
        return records

    async def closed(self) -> int | None:
        """Wait until the server has closed the connection; return its code."""
        async with asyncio.timeout(PATIENCE_S):
            await self.socket.wait_closed()
        return self.socket.close_code


class OneKey:
    """A store of purchases that knows one token."""

    async def find_purchase(self, token: str, _now: object) -> Purchase | None:
        """Return a purchase for that token."""
        return Purchase.of(token) if token == TOKEN else None


@contextmanager
def served_chat(
    chat: ChatHandlers, *, http: Client | None = None, grace_s: float = 1
) -> Iterator[Running]:
    """Serve a chat in a thread of its own for the length of the block, as in production.

    `http` are connections of the chat's, to be closed where they were used.
    """

    async def close() -> None:
        if http is not None:
            await http.aclose()

    listener = listening(HOST, 0)
    port: int = listener.getsockname()[1]
    config = configured(build_app(chat.routes(), chat.sockets(), chat.dependencies()))
    server = Watched(config, chat, grace_s, close)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    try:
        yield Running(chat, server, port)
    finally:
        server.should_exit = True
        thread.join()
        listener.close()


def hub_alone(open_hub: OpenHub, timing: Timing | None = None) -> ChatHandlers:
    """Return handlers of one hub at `/hub`, for whoever presents `Web TOKEN`."""
    return ChatHandlers(PurchaseAuthenticator({"Web": OneKey()}), {"/hub": open_hub}, timing)
