"""The server of the self-hosted edition: one process for requests, WebSockets and the cleanup."""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress

import uvicorn
from uvicorn.server import HANDLED_SIGNALS

from functions.chat.server import Connections, Server

# The server updates the time in its responses once a second.
_TICK_S = 1


class SelfHostedServer(Server):
    """Ends normally on SIGTERM and SIGINT, and runs a task beside the requests.

    uvicorn's own loop looks for signals ten times a second: an idle server would need three times
    the processor time. uvicorn also sends the signal again at its end, which kills the process.

    Args:
        config: the result of `build_config`.
        connections: are drained and closed when the server stops.
        grace_s: the time between the two.
        on_stop: runs last.
        background: runs from the start of the server. It is cancelled before the server drains.
    """

    def __init__(
        self,
        config: uvicorn.Config,
        connections: Connections,
        grace_s: float,
        on_stop: Callable[[], Awaitable[None]],
        background: Callable[[], Coroutine[None, None, None]],
    ) -> None:
        super().__init__(config, connections, grace_s, on_stop)
        self._background = background
        self._background_task: asyncio.Task[None] | None = None
        self._stopping = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to serve, and start the background task."""
        await super().startup(sockets)
        self._background_task = asyncio.create_task(self._background())

    async def main_loop(self) -> None:
        """Wait for a signal."""
        while not await self.on_tick(0):
            with suppress(TimeoutError):
                async with asyncio.timeout(_TICK_S):
                    await self._stopping.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Cancel the background task, drain all connections, and stop."""
        if self._background_task is not None:
            self._background_task.cancel()
            await asyncio.wait({self._background_task})
        await super().shutdown(sockets)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Stop the server on a signal during the block."""
        loop = asyncio.get_running_loop()
        for number in HANDLED_SIGNALS:
            loop.add_signal_handler(number, self._stop, number)
        try:
            yield
        finally:
            for number in HANDLED_SIGNALS:
                loop.remove_signal_handler(number)

    def _stop(self, number: int) -> None:
        self.handle_exit(number, None)
        self._stopping.set()
