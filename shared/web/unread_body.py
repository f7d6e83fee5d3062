"""Discard the rest of a request's body after an early response.

If a server closes a connection while the client still sends, the connection is reset and the client
may lose the response. So the response is sent first, and the rest of the body is read before the
connection is closed.

Source: RFC 9112, section 9.6; RFC 9110, section 10.1.1
"""

import asyncio
from contextlib import suppress

from starlette.types import ASGIApp, Message, Receive, Scope, Send

# A client that sends more gets a reset instead: reading on would cost more than the rejection.
_MAX_DISCARDED_BYTES = 1024 * 1024
_CLOSE = (b"connection", b"close")


class UnreadBody:
    """Wraps an app that may respond before it reads the whole body."""

    timeout_s: float = 1
    """The time limit for the rest of the body."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request or one WebSocket."""
        headers = dict(scope["headers"]) if scope["type"] == "http" else {}
        is_chunked = b"transfer-encoding" in headers
        if not is_chunked and headers.get(b"content-length", b"0") == b"0":
            await self._app(scope, receive, send)
            return
        is_sending = headers.get(b"expect", b"").lower() != b"100-continue"
        exchange = _Exchange(receive, send, is_chunked=is_chunked, is_sending=is_sending)
        await self._app(scope, exchange.receive, exchange.send)
        await exchange.end(self.timeout_s)


class _Exchange:
    """A request with a body, and its response, whose end is delayed until the body is read."""

    def __init__(self, receive: Receive, send: Send, *, is_chunked: bool, is_sending: bool) -> None:
        self._receive = receive
        self._send = send
        self._is_chunked = is_chunked
        self._is_sending = is_sending
        self._is_read = False
        self._is_end_delayed = False

    async def receive(self) -> Message:
        # On this call the server sends `100 Continue` to a waiting client.
        self._is_sending = True
        message = await self._receive()
        # Also true after a disconnect.
        self._is_read = not message.get("more_body", False)
        return message

    async def send(self, message: Message) -> None:
        if not self._is_read:
            if message["type"] == "http.response.start" and self._must_close:
                message = {**message, "headers": [*message.get("headers", ()), _CLOSE]}
            elif message["type"] == "http.response.body" and not message.get("more_body", False):
                self._is_end_delayed = True
                message = {**message, "more_body": True}
        await self._send(message)

    @property
    def _must_close(self) -> bool:
        """Whether the connection cannot be reused: the body may be endless or never sent."""
        return self._is_chunked or not self._is_sending

    async def end(self, timeout_s: float) -> None:
        if not self._is_end_delayed:
            return
        if self._is_sending:
            with suppress(TimeoutError):
                async with asyncio.timeout(timeout_s):
                    await self._read_rest()
        await self._send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _read_rest(self) -> None:
        read_bytes = 0
        while not self._is_read and read_bytes < _MAX_DISCARDED_BYTES:
            read_bytes += len((await self.receive()).get("body", b""))
