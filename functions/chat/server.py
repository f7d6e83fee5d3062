"""The server of WebSockets, which leaves nobody in the middle of a sentence.

Source: https://cloud.google.com/run/docs/container-contract (SIGTERM, then 10 s)
"""

import asyncio
import logging
import os
import socket
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any

# Tokens of the App Store are longer than the line that it takes by default, and it reads this once.
os.environ.setdefault("WEBSOCKETS_MAX_LINE_LENGTH", str(66 * 1024))

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame

_LARGEST_FRAME_BYTES = 1024 * 1024
_MOST_FRAGMENTS = 10_000
_TOO_BIG = 1009
_TOO_LONG = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
    b"Connection: close\r\nContent-Length: 0\r\n\r\n"
)
_LOOK_EACH_S = 0.1
_UNSENT_BYTES = 16 * 1024
_UNACKNOWLEDGED_MS = 120_000
_CLOSE_WITHIN_S = 1

_NO_ERRORS = frozenset(
    {
        "ASGI callable returned without completing handshake.",
        "Invalid UTF-8 sequence received from client.",
    }
)
"""What uvicorn says, as errors, when a connection was refused and when a client sent rubbish."""


class Server(uvicorn.Server):
    """Lets what is under way come to its end before it closes connections.

    Args:
        config: as `configured` returns it.
        leave: ends all connections within so many seconds.
        grace_s: how many that may be.
    """

    def __init__(
        self,
        config: uvicorn.Config,
        leave: Callable[[float], Coroutine[Any, Any, None]],
        grace_s: float,
    ) -> None:
        super().__init__(config)
        self._leave = leave
        self._grace_s = grace_s

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop listening, end all connections, and stop."""
        for server in self.servers:
            server.close()
        leaving = asyncio.create_task(self._leave(self._grace_s))
        while not leaving.done() and not self.force_exit:  # by a second Ctrl-C
            await asyncio.wait([leaving], timeout=_LOOK_EACH_S)
        leaving.cancel()
        await super().shutdown(sockets)


class _WebSocket(WebSocketsSansIOProtocol):
    """uvicorn's WebSocket, with an end to three things that it lets go on for ever."""

    def data_received(self, data: bytes) -> None:
        """Refuse a request whose head is too long; uvicorn would never answer it."""
        super().data_received(data)
        if self.conn.handshake_exc is not None and not self.handshake_initiated:
            self.close_sent = True
            self.transport.write(_TOO_LONG)
            self.transport.close()

    def handle_ping(self) -> None:
        """Answer, unless the client has not even read what there is already."""
        if self.writable.is_set():
            super().handle_ping()
        else:
            self.conn.data_to_send()

    def handle_cont(self, event: Frame) -> None:
        """Take a fragment, of which there may be many, but not one for every few bytes."""
        super().handle_cont(event)
        if len(self.frames) > _MOST_FRAGMENTS:
            self.conn.fail(_TOO_BIG, "too many fragments")
            self.handle_parser_exception()


def listening(host: str, port: int) -> socket.socket:
    """Return a socket whose connections keep little for slow clients, and end for dead ones.

    The kernel would take megabytes for a client that reads slowly, all of them old news once it
    reads again; and it would go on for a quarter of an hour to send to one that has gone.

    Source: tcp(7), TCP_NOTSENT_LOWAT and TCP_USER_TIMEOUT; both pass on to what is accepted.
    """
    listener = socket.create_server((host, port), backlog=2048)
    options = {"TCP_NOTSENT_LOWAT": _UNSENT_BYTES, "TCP_USER_TIMEOUT": _UNACKNOWLEDGED_MS}
    for name, value in options.items():
        with suppress(AttributeError, OSError):  # not every system has both
            listener.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
    return listener


def configured(app: ASGIApp) -> uvicorn.Config:
    """Return the configuration for `app`, which serves hubs."""
    # At INFO it writes whole addresses, and browsers put their token into them.
    logger = logging.getLogger("uvicorn.error")
    logger.setLevel(logging.WARNING)
    logger.addFilter(_is_news)
    return uvicorn.Config(
        app,
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        ws=_WebSocket,
        ws_max_size=_LARGEST_FRAME_BYTES,
        ws_per_message_deflate=False,  # 40 KiB a connection, for messages that are small anyway
        ws_ping_interval=None,  # SignalR has its own
        timeout_graceful_shutdown=_CLOSE_WITHIN_S,
    )


def _is_news(record: logging.LogRecord) -> bool:
    return record.msg not in _NO_ERRORS
