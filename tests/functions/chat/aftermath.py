"""What clients leave behind: on the server, and in its log."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from tests.functions.chat.service import Running
from tests.loopback import until


async def nothing_left(running: Running) -> None:
    """Return once nobody is connected, and no task or socket of a connection is left."""
    await until(lambda: not running.chat.connected and not running.sockets and not running.tasks())


@contextmanager
def errors_logged() -> Iterator[list[str]]:
    """Collect what anyone in this process logs as an error."""
    collecting = _Collecting(logging.ERROR)
    logging.getLogger().addHandler(collecting)
    try:
        yield collecting.messages
    finally:
        logging.getLogger().removeHandler(collecting)


class _Collecting(logging.Handler):
    def __init__(self, level: int) -> None:
        super().__init__(level)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(record.getMessage())
