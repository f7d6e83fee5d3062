"""A chat in this process on its own port, and a client that sends raw frames."""

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
from functions.chat.server import Server, build_config, open_listener
from scripts.local.ports import HOST
from shared.clients.http import Client
from shared.purchases.authenticator import Purchase
from shared.web.app import build_app
from shared.web.features import Features
from tests.caller_auth import caller_auth

END = "\x1e"
HANDSHAKE = '{"protocol":"json","version":1}' + END
TOKEN = "SECRET-token-of-a-subscriber"  # noqa: S105 - not a real one
TEST_TIMEOUT_S = 120
"""Ends a test that hangs. No result depends on it."""

_LARGE_BUFFER_BYTES = 2**20
UPGRADE = (
    b"GET /hub HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
    b"Authorization: Web " + TOKEN.encode() + b"\r\n\r\n"
)
"""The upgrade request of a subscriber."""


class ObservableServer(Server):
    """A server that gives other threads access to its event loop."""

    loop: asyncio.AbstractEventLoop | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start to listen."""
        self.loop = asyncio.get_running_loop()
        await super().startup(sockets)


class ChatEndpoint:
    """The address of a chat."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.address = f"http://{HOST}:{port}"

    @asynccontextmanager
    async def connect(
        self,
        path: str = "/hub",
        token: str | None = f"Web {TOKEN}",
        headers: Mapping[str, str] | None = None,
        **options: Any,
    ) -> AsyncIterator["RawClient"]:
        """Connect, without a handshake. With `headers`, they replace the token."""
        if headers is None:
            headers = {"Authorization": f"Bearer {token}"} if token else {}
        url = self.address.replace("http", "ws", 1) + path
        # The library's pings would close a connection from which the test does not read. Its limit
        # of 1 MiB for a message would close a connection with a long plan.
        options = {"ping_interval": None, "max_size": None, **options}
        async with connect(url, additional_headers=headers, **options) as socket:
            yield RawClient(socket)

    @asynccontextmanager
    async def connect_to_hub(
        self, path: str = "/hub", **options: Any
    ) -> AsyncIterator["RawClient"]:
        """Connect, and complete the handshake."""
        async with self.connect(path, **options) as client:
            await client.send_frame(HANDSHAKE)
            assert await client.receive() == {}
            yield client

    @asynccontextmanager
    async def connect_slowly(
        self, path: str = "/hub", **options: Any
    ) -> AsyncIterator["RawClient"]:
        """Connect with the smallest receive buffers, so that unread data blocks the server."""
        small = socket.socket()
        small.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
        small.connect((HOST, self.port))
        async with self.connect_to_hub(path, sock=small, max_queue=1, **options) as client:
            yield client

    async def request_upgrade(
        self,
        path: str = "/hub",
        header: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        """Request an upgrade; return the response of any status.

        `header` is the value of `Authorization`, and `headers` are further headers.
        """
        authorization = {} if header is None else {"Authorization": header}
        headers = {**authorization, **(headers or {})}
        url = self.address.replace("http", "ws", 1) + path
        try:
            async with connect(url, additional_headers=headers) as socket:
                assert socket.response is not None
                return socket.response
        except InvalidStatus as refused:
            return refused.response


class RunningChat(ChatEndpoint):
    """A chat that this process serves."""

    def __init__(self, handlers: ChatHandlers, server: ObservableServer, port: int) -> None:
        super().__init__(port)
        self.handlers = handlers
        self._server = server

    def stop(self) -> None:
        """Stop the server, as SIGTERM does."""
        self._server.should_exit = True

    @property
    def sockets(self) -> int:
        """The number of open client sockets."""
        return len(self._server.server_state.connections)

    @property
    def unsent_bytes(self) -> int:
        """The size of the write buffers of all clients."""
        connections = [*self._server.server_state.connections]
        return sum(each.transport.get_write_buffer_size() for each in connections)

    def end_grace(self) -> None:
        """Close all connections, as at the end of the grace period."""
        assert self._server.loop is not None
        self._server.loop.call_soon_threadsafe(self.handlers.close)

    def tasks(self) -> list[str]:
        """Return the tasks on the server's event loop, without the server itself."""
        if self._server.loop is None:
            return []
        server = [task.get_coro() for task in asyncio.all_tasks(self._server.loop)]
        names = [getattr(each, "__qualname__", repr(each)) for each in server]
        return [name for name in names if name != "Server.serve"]


class RawClient:
    """A WebSocket client that receives record by record."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self._records: list[str] = []

    def enlarge_buffers(self) -> None:
        """Read fast from now on. The kernel needs up to 200 ms to fill a buffer of 2 KiB."""
        own: socket.socket = self.socket.transport.get_extra_info("socket")
        own.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _LARGE_BUFFER_BYTES)

    async def send_frame(self, text: str | bytes) -> None:
        """Send one frame unchanged."""
        await self.socket.send(text)

    async def send(self, *messages: Mapping[str, Any]) -> None:
        """Send messages, all in one frame."""
        await self.send_frame("".join(json.dumps(message) + END for message in messages))

    async def receive(self) -> Any:
        """Return the next record."""
        while not self._records:
            async with asyncio.timeout(TEST_TIMEOUT_S):
                frame = await self.socket.recv()
            assert isinstance(frame, str), "frames of JSON hubs are text"
            assert frame.endswith(END), "a record never spans two frames"
            self._records += frame.split(END)[:-1]
        return json.loads(self._records.pop(0))

    async def receive_until_completed(self, invocation_id: str) -> list[Any]:
        """Return all records up to and including the completion of an invocation."""
        records = [await self.receive()]
        while not (records[-1]["type"] == 3 and records[-1]["invocationId"] == invocation_id):
            records.append(await self.receive())
        return records

    async def receive_rest(self) -> list[Any]:
        """Return all further records until the connection is closed."""
        records = []
        async with asyncio.timeout(TEST_TIMEOUT_S):
            with suppress(ConnectionClosed):
                while True:
                    records.append(await self.receive())
        return records

    async def wait_closed(self) -> int | None:
        """Wait until the server has closed the connection; return the close code."""
        async with asyncio.timeout(TEST_TIMEOUT_S):
            await self.socket.wait_closed()
        return self.socket.close_code


class OneTokenProvider:
    """A purchase provider with one valid token."""

    async def find_purchase(self, token: str, _now: object) -> Purchase | None:
        """Return a purchase for the valid token."""
        return Purchase.of(token) if token == TOKEN else None


@contextmanager
def serve_chat(
    chat: ChatHandlers,
    *,
    http: Client | None = None,
    grace_s: float = 1,
    features: Features | None = None,
) -> Iterator[RunningChat]:
    """Serve a chat in a separate thread, as in production; by default with all features.

    `http` is the chat's HTTP client. It must be closed on the event loop that used it.
    """

    async def close() -> None:
        if http is not None:
            await http.aclose()

    listener = open_listener(HOST, 0)
    port: int = listener.getsockname()[1]
    app = build_app(chat.routes(), chat.sockets(), chat.dependencies(), features)
    server = ObservableServer(build_config(app), chat, grace_s, close)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    try:
        yield RunningChat(chat, server, port)
    finally:
        server.should_exit = True
        thread.join()
        listener.close()


def single_hub(open_hub: OpenHub, timing: Timing | None = None, path: str = "/hub") -> ChatHandlers:
    """Return handlers with one hub, for the token `Web TOKEN`."""
    return ChatHandlers(caller_auth({"Web": OneTokenProvider()}), {path: open_hub}, timing)
