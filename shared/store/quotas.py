"""Quotas: the number of requests per key that passed in the last 24 hours."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil

from cachetools import LRUCache

from shared.concurrency.group_commit import GroupCommit
from shared.errors import RateLimited
from shared.store.data_model import RATE_LIMITS
from shared.store.database import Database
from shared.store.optimistic_update import update_optimistically
from shared.store.preconditions import if_unchanged
from shared.store.sliding_window import WINDOW, admit

_MAX_CACHED_FULL_WINDOWS = 10_000
_SECOND = timedelta(seconds=1)


@dataclass(frozen=True)
class _Window:
    passed: tuple[datetime, ...] = ()
    version: object = None
    """None: the document does not exist."""


@dataclass(frozen=True)
class _Request:
    limit: int
    now: datetime


class Quotas:
    """Counts requests exactly, even while several processes count for one key."""

    def __init__(self, database: Database) -> None:
        self._database = database
        # Requests for one key that arrive together take one read and one commit. So only processes
        # conflict on a document, and not the requests of one process.
        self._group_commit = GroupCommit(self._count_group)
        # A full window stays full until its oldest request leaves it. Rejecting from memory saves
        # a read per request of a client that ignores Retry-After.
        self._full_until: LRUCache[str, datetime] = LRUCache(_MAX_CACHED_FULL_WINDOWS)

    async def take(self, key: str, limit: int, now: datetime) -> None:
        """Count a request for `key`, unless `limit` requests passed in the last 24 hours.

        Cost: one read and one commit for all requests that arrive together. A rejection takes one
        read, and later rejections none. If the response to a commit is lost, its requests may count
        twice. Fewer than `limit` requests may pass then, but never more.

        Raises:
            RateLimited: the request may not pass. It was not counted.
            Overloaded: other processes changed the count during each of the attempts.
        """
        _reject_until(self._full_until.get(key), now)
        _reject_until(await self._group_commit.add(key, _Request(limit, now)), now)

    async def _count_group(
        self, key: str, requests: Sequence[_Request]
    ) -> Sequence[datetime | None]:
        """Return for each request None if it passes, or the time at which one would pass."""
        return await update_optimistically(
            await self._read(key),
            lambda window: self._count(key, window, requests),
            lambda: self._read(key),
        )

    async def _read(self, key: str) -> _Window:
        document = await self._database.read_one(self._database.document(RATE_LIMITS, key))
        if document is None:
            return _Window()
        return _Window(tuple(document.fields["passed"]), document.version)

    async def _count(
        self, key: str, window: _Window, requests: Sequence[_Request]
    ) -> Sequence[datetime | None]:
        passed, free_at = window.passed, []
        for request in requests:
            decision = admit(passed, request.now, request.limit)
            passed = decision.passed
            free_at.append(decision.free_at)
        if None in free_at:
            await self._write(key, window, passed)
        if free_at[-1] is not None:
            self._full_until[key] = free_at[-1]
        return free_at

    async def _write(self, key: str, window: _Window, passed: Sequence[datetime]) -> None:
        reference = self._database.document(RATE_LIMITS, key)
        fields = {"passed": passed, "expires_at": max(passed) + WINDOW}
        batch = self._database.batch()
        if window.version is None:
            batch.create(reference, fields)
        else:
            batch.update(reference, fields, option=if_unchanged(window.version))
        await self._database.commit(batch)


def _reject_until(free_at: datetime | None, now: datetime) -> None:
    if free_at is not None and now < free_at:
        raise RateLimited(ceil((free_at - now) / _SECOND))
