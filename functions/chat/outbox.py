"""What is still to be sent to a client."""

import asyncio
from collections.abc import Callable

Write = Callable[[], str]


class Outbox:
    """Records that wait for the client, in order; of those with one key, only the newest.

    So a slow client costs no more memory than a fast one: what it has not taken is replaced.
    """

    def __init__(self) -> None:
        self._waiting: dict[object, Write] = {}
        self._news: asyncio.Future[None] | None = None

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, write: Write, key: object | None = None) -> None:
        """Add a record, or replace the one with `key` that still waits, where it stands.

        `write` is called when it is sent.
        """
        self._waiting[object() if key is None else key] = write
        if self._news is not None and not self._news.done():
            self._news.set_result(None)

    async def take(self) -> str:
        """Wait until there is something, and return all of it."""
        if not self._waiting:
            # Made only now: an event would keep a queue of waiters, a kilobyte per connection.
            self._news = asyncio.get_running_loop().create_future()
            try:
                await self._news
            finally:
                self._news = None
        waiting, self._waiting = self._waiting, {}
        return "".join(write() for write in waiting.values())
