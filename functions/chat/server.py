"""The server of WebSockets, which leaves nobody in the middle of a sentence.

Source: https://cloud.google.com/run/docs/container-contract (SIGTERM, then 10 s)
"""

import asyncio
import logging
import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Protocol

import uvicorn
from starlette.types import ASGIApp

from functions.chat.websocket import WebSocketProtocol

_LARGEST_FRAME_BYTES = 1024 * 1024
_LOOK_EACH_S = 0.1
_UNSENT_BYTES = 16 * 1024
_UNACKNOWLEDGED_MS = 120_000
_LAST_WORDS_S = 1
_CLOSE_WITHIN_S = 1

_NO_ERRORS = frozenset(
    {
        "ASGI callable returned without completing handshake.",
        "Invalid UTF-8 sequence received from client.",
    }
)
"""What uvicorn says, as errors, when a connection was refused and when a client sent rubbish."""


class Guests(Protocol):
    """Who is connected, and does not go by itself."""

    def leave(self) -> None:
        """Let nobody in any more, and end each connection that has nothing in flight, or soon."""

    def hang_up(self) -> None:
        """End all connections now."""


class Server(uvicorn.Server):
    """Lets what is under way come to its end before it closes connections.

    Args:
        config: as `configured` returns it.
        guests: are asked to go when it stops.
        grace_s: how long they may take.
        close: what is to be done last.
    """

    def __init__(
        self,
        config: uvicorn.Config,
        guests: Guests,
        grace_s: float,
        close: Callable[[], Awaitable[None]],
    ) -> None:
        super().__init__(config)
        self._guests = guests
        self._grace_s = grace_s
        self._close = close

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop listening, end all connections, and stop."""
        for server in self.servers:
            server.close()
        self._guests.leave()
        await self._ended(self._grace_s)
        self._guests.hang_up()
        await self._ended(_LAST_WORDS_S)
        await super().shutdown(sockets)
        await self._close()

    async def _ended(self, within_s: float) -> None:
        """Return when nothing is under way any more: no connection, no sign-in, no request."""
        loop = asyncio.get_running_loop()
        until = loop.time() + within_s
        while self.server_state.tasks and loop.time() < until:
            if self.force_exit:  # by a second Ctrl-C
                return
            await asyncio.wait([*self.server_state.tasks], timeout=_LOOK_EACH_S)


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
        ws=WebSocketProtocol,
        ws_max_size=_LARGEST_FRAME_BYTES,
        ws_per_message_deflate=False,  # 40 KiB a connection, for messages that are small anyway
        ws_ping_interval=None,  # SignalR has its own
        timeout_graceful_shutdown=_CLOSE_WITHIN_S,
    )


def _is_news(record: logging.LogRecord) -> bool:
    return record.msg not in _NO_ERRORS
