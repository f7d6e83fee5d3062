"""Rate limits: how many requests of a caller passed in the last 24 hours."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from typing import Any

from cachetools import LRUCache

from shared.concurrency.group_commit import GroupCommit
from shared.errors import RateLimited
from shared.store.data_model import RATE_LIMITS
from shared.store.database import Database
from shared.store.optimistic_update import compare_and_set
from shared.store.sliding_window import WINDOW, admit

_MAX_FULL_WINDOWS = 10_000
_SECOND = timedelta(seconds=1)


@dataclass(frozen=True)
class _Window:
    passed: tuple[datetime, ...] = ()
    version: Any = None
    """None: there is no document yet."""


@dataclass(frozen=True)
class _Request:
    limit: int
    now: datetime


class Quotas:
    """Counts requests exactly, also when several processes count at the same time.

    Requests for one key that arrive at one process together are counted together, by one read and
    one commit. So the writers that contend for a document are processes.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._counting = GroupCommit(self._count_together)
        # A full window stays full until its oldest request leaves it.
        self._full_until: LRUCache[str, datetime] = LRUCache(_MAX_FULL_WINDOWS)

    async def take(self, key: str, limit: int, now: datetime) -> None:
        """Count one more request for `key`, unless `limit` of them passed in the last 24 hours.

        One read and one commit, whatever number of requests come at once; one read for a refusal,
        and none for those that follow. If the answer to the commit is lost, a request may be
        counted twice: never too many pass.

        Raises:
            RateLimited: it may not pass, and was not counted.
            Overloaded: other processes kept counting for the same key.
        """
        _refuse_until(self._full_until.get(key), now)
        _refuse_until(await self._counting.add(key, _Request(limit, now)), now)

    async def _count_together(
        self, key: str, requests: Sequence[_Request]
    ) -> Sequence[datetime | None]:
        """Return for each request None if it passes, or else when it would."""
        return await compare_and_set(
            await self._look(key),
            lambda seen: self._count(key, seen, requests),
            lambda: self._look(key),
        )

    async def _look(self, key: str) -> _Window:
        document = await self._database.read_one(
            RATE_LIMITS.of(self._database.client).document(key)
        )
        if document is None:
            return _Window()
        return _Window(tuple(document.fields["passed"]), document.version)

    async def _count(
        self, key: str, seen: _Window, requests: Sequence[_Request]
    ) -> Sequence[datetime | None]:
        passed, free_at = seen.passed, []
        for request in requests:
            verdict = admit(passed, request.now, request.limit)
            passed = verdict.passed
            free_at.append(verdict.free_at)
        if None in free_at:
            await self._write(key, seen, passed)
        if free_at[-1] is not None:
            self._full_until[key] = free_at[-1]
        return free_at

    async def _write(self, key: str, seen: _Window, passed: Sequence[datetime]) -> None:
        client = self._database.client
        reference = RATE_LIMITS.of(client).document(key)
        fields = {"passed": passed, "expires_at": max(passed) + WINDOW}
        batch = client.batch()
        if seen.version is None:
            batch.create(reference, fields)
        else:
            unchanged = client.write_option(last_update_time=seen.version)
            batch.update(reference, fields, option=unchanged)
        await self._database.commit(batch)


def _refuse_until(free_at: datetime | None, now: datetime) -> None:
    if free_at is not None and now < free_at:
        raise RateLimited(ceil((free_at - now) / _SECOND))
