"""The unsent records of one client."""

import asyncio
from collections.abc import Callable

Write = Callable[[], str]


class Outbox:
    """Unsent records in the order of `put`, with at most one record per key.

    A new record with a known key replaces the old one and moves to the end. The last record sent
    is therefore the last one put, and a slow client needs no more memory than a fast one.
    """

    def __init__(self) -> None:
        self._waiting: dict[object, Write] = {}
        self._record_added: asyncio.Future[None] | None = None

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, write: Write, key: object | None = None) -> None:
        """Add a record at the end, and remove an unsent one with the same `key`.

        `write` runs when the record is sent. A replaced record is never written.
        """
        # A dict keeps the old position of a key that is set again.
        self._waiting.pop(key, None)
        self._waiting[object() if key is None else key] = write
        if self._record_added is not None and not self._record_added.done():
            self._record_added.set_result(None)

    async def take(self) -> str:
        """Wait for a record. Remove and return all of them."""
        if not self._waiting:
            # A future per wait: an asyncio.Event would cost each idle connection a kilobyte.
            self._record_added = asyncio.get_running_loop().create_future()
            try:
                await self._record_added
            finally:
                self._record_added = None
        waiting, self._waiting = self._waiting, {}
        return "".join(write() for write in waiting.values())
