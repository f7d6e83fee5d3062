"""Read the rest of a request's body when the answer does not depend on it.

A connection that is closed while its client still sends is reset, and the client may never read
the answer. So the client gets the whole answer first, and has a moment to finish sending.

Source: RFC 9112, section 9.6; RFC 9110, section 10.1.1
"""

import asyncio
from contextlib import suppress

from starlette.types import ASGIApp, Message, Receive, Scope, Send

_MAX_BYTES = 1024 * 1024
_CLOSE = (b"connection", b"close")


class UnreadBody:
    """Wraps an app that may answer before it has read the request's body."""

    within_s: float = 1
    """How long the client may take to send the rest."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or one WebSocket, which has no body."""
        headers = dict(scope["headers"]) if scope["type"] == "http" else {}
        is_chunked = b"transfer-encoding" in headers
        if not is_chunked and headers.get(b"content-length", b"0") == b"0":
            await self._app(scope, receive, send)
            return
        is_invited = headers.get(b"expect", b"").lower() != b"100-continue"
        exchange = _Exchange(receive, send, is_chunked=is_chunked, is_invited=is_invited)
        await self._app(scope, exchange.receive, exchange.send)
        await exchange.end(self.within_s)


class _Exchange:
    """A request with a body, and its answer, whose end is held back while the body is not read."""

    def __init__(self, receive: Receive, send: Send, *, is_chunked: bool, is_invited: bool) -> None:
        self._receive = receive
        self._send = send
        self._is_chunked = is_chunked
        self._is_invited = is_invited
        self._is_read = False
        self._is_end_due = False

    async def receive(self) -> Message:
        self._is_invited = True  # the server sends `100 Continue` to a client that waits for it
        message = await self._receive()
        self._is_read = not message.get("more_body", False)  # also when the client has gone
        return message

    async def send(self, message: Message) -> None:
        if not self._is_read:
            if message["type"] == "http.response.start" and self._must_close:
                message = {**message, "headers": [*message.get("headers", ()), _CLOSE]}
            elif message["type"] == "http.response.body" and not message.get("more_body", False):
                self._is_end_due = True
                message = {**message, "more_body": True}
        await self._send(message)

    @property
    def _must_close(self) -> bool:
        """Whether nothing can follow on the connection: the body may never end, or never come."""
        return self._is_chunked or not self._is_invited

    async def end(self, within_s: float) -> None:
        if not self._is_end_due:
            return
        if self._is_invited:
            with suppress(TimeoutError):
                async with asyncio.timeout(within_s):
                    await self._read_rest()
        await self._send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _read_rest(self) -> None:
        read_bytes = 0
        while not self._is_read and read_bytes < _MAX_BYTES:
            read_bytes += len((await self.receive()).get("body", b""))
