"""The WebSocket server, which drains its connections before it stops.

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

# Longer than any record with a text of 256 Ki characters. A character has up to 4 bytes in UTF-8,
# and 6 where JSON escapes it.
_MAX_FRAME_BYTES = 2 * 1024 * 1024

_MAX_UNSENT_BYTES = 16 * 1024
_MAX_UNACKNOWLEDGED_MS = 120_000
_POLL_INTERVAL_S = 0.1

# Together with the grace period of 7 s, both must stay below the 10 s after SIGTERM.
_CLOSE_TIMEOUT_S = 1
_SHUTDOWN_TIMEOUT_S = 1

# uvicorn logs these as errors when a connection is rejected, and when a client sends bad UTF-8.
_IGNORED_ERRORS = frozenset(
    {
        "ASGI callable returned without completing handshake.",
        "Invalid UTF-8 sequence received from client.",
    }
)


class Connections(Protocol):
    """The open connections of a server."""

    def drain(self) -> None:
        """Reject new clients, and close each connection once nothing is in flight."""

    def close(self) -> None:
        """Close all connections now."""


class Server(uvicorn.Server):
    """Waits for work in flight before it closes connections.

    Args:
        config: the result of `build_config`.
        connections: are drained and closed when the server stops.
        grace_s: the time between the two.
        on_stop: runs last.
    """

    def __init__(
        self,
        config: uvicorn.Config,
        connections: Connections,
        grace_s: float,
        on_stop: Callable[[], Awaitable[None]],
    ) -> None:
        super().__init__(config)
        self._connections = connections
        self._grace_s = grace_s
        self._on_stop = on_stop

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop listening, drain and close all connections, and stop."""
        for server in self.servers:
            server.close()
        self._connections.drain()
        await self._wait_for_tasks(self._grace_s)
        self._connections.close()
        await self._wait_for_tasks(_CLOSE_TIMEOUT_S)
        await super().shutdown(sockets)
        await self._on_stop()

    async def _wait_for_tasks(self, timeout_s: float) -> None:
        """Wait until no connection, authentication or request is left, or the timeout expires."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout_s
        while self.server_state.tasks and loop.time() < deadline:
            if self.force_exit:  # a second Ctrl-C
                return
            # Requests on kept-alive connections may start further tasks, so the set changes.
            await asyncio.wait([*self.server_state.tasks], timeout=_POLL_INTERVAL_S)


def open_listener(host: str, port: int) -> socket.socket:
    """Return a listening socket with limits for slow and dead clients.

    By default the kernel buffers megabytes for a slow client, which then receives outdated states.
    It also retransmits to a dead client for a quarter of an hour.

    Source: tcp(7), TCP_NOTSENT_LOWAT and TCP_USER_TIMEOUT. Accepted sockets inherit both.
    """
    listener = socket.create_server((host, port), backlog=2048)
    options = {"TCP_NOTSENT_LOWAT": _MAX_UNSENT_BYTES, "TCP_USER_TIMEOUT": _MAX_UNACKNOWLEDGED_MS}
    for name, value in options.items():
        with suppress(AttributeError, OSError):  # some systems lack one of them
            listener.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
    return listener


def build_config(app: ASGIApp) -> uvicorn.Config:
    """Return the configuration of a server for `app`."""
    # At INFO, uvicorn logs complete URLs, and browsers send the purchase token in the URL.
    logger = logging.getLogger("uvicorn.error")
    logger.setLevel(logging.WARNING)
    logger.addFilter(_is_logged)
    return uvicorn.Config(
        app,
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        ws=WebSocketProtocol,
        ws_max_size=_MAX_FRAME_BYTES,
        ws_per_message_deflate=False,  # needs 40 KiB per connection, and most messages are small
        ws_ping_interval=None,  # SignalR has its own pings
        timeout_graceful_shutdown=_SHUTDOWN_TIMEOUT_S,
    )


def _is_logged(record: logging.LogRecord) -> bool:
    return record.msg not in _IGNORED_ERRORS
