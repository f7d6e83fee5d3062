"""Local servers for ASGI apps, such as fakes of other services."""

import asyncio
import logging
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp

from scripts.local.ports import HOST


@contextmanager
def served(app: ASGIApp) -> Iterator[str]:
    """Serve `app` in a separate thread during the block; yield its URL."""
    # Requests and the faults of fakes are expected, so they are not logged.
    for name in ("uvicorn.access", "uvicorn.error"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    listening = socket.create_server((HOST, 0))
    config = uvicorn.Config(app, lifespan="off", log_config=None, timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    try:
        yield f"http://{HOST}:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
        listening.close()


async def until(condition: Callable[[], bool]) -> None:
    """Return once `condition` is true, which another thread may cause.

    The deadline only ends a test that hangs; no result depends on it.
    """
    deadline = time.monotonic() + 300
    while not condition():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)
