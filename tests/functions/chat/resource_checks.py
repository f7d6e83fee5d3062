"""Checks of the server's resources and log after clients have left."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from tests.functions.chat.running_chat import RunningChat
from tests.loopback import until


async def wait_until_released(server: RunningChat) -> None:
    """Return once the server has no connection, no socket and no task of a connection."""
    await until(
        lambda: not server.handlers.connection_count and not server.sockets and not server.tasks()
    )


@contextmanager
def collect_errors() -> Iterator[list[str]]:
    """Collect the messages that this process logs at ERROR."""
    collecting = _Collector(logging.ERROR)
    logging.getLogger().addHandler(collecting)
    try:
        yield collecting.messages
    finally:
        logging.getLogger().removeHandler(collecting)


class _Collector(logging.Handler):
    def __init__(self, level: int) -> None:
        super().__init__(level)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(record.getMessage())
