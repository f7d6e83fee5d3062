"""The records that wait to be sent to one client."""

import asyncio
from collections.abc import Callable

Write = Callable[[], str]


class Outbox:
    """Records that wait for the client, in the order of `put`. One record per key: the newest.

    A newer record takes its place at the end, so the last record sent is the last one put.
    A slow client takes no more memory than a fast one: records that it has not read are replaced.
    """

    def __init__(self) -> None:
        self._waiting: dict[object, Write] = {}
        self._news: asyncio.Future[None] | None = None

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, write: Write, key: object | None = None) -> None:
        """Add a record at the end; one with the same `key` that still waits is removed.

        `write` is called when the record is sent.
        """
        self._waiting.pop(key, None)  # a key that is set again would keep its old place
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
