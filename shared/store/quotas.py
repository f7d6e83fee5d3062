"""How often those who are limited have passed in the last 24 hours."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from typing import Any
from weakref import WeakValueDictionary

from cachetools import LRUCache

from shared.errors import RateLimited
from shared.ratelimit import WINDOW, admit
from shared.store.client import Database
from shared.store.contention import compare_and_set
from shared.store.data_model import RATE_LIMITS
from shared.turns import Turns

_REMEMBERED = 10_000
_SECOND = timedelta(seconds=1)


@dataclass(frozen=True)
class _Window:
    passed: Sequence[datetime] = ()
    version: Any = None
    """None: there is no document yet."""


class Quotas:
    """Counts what passes, exactly, whatever number of processes count at the same time."""

    def __init__(self, database: Database) -> None:
        self._database = database
        # Of one process only one request at a time counts for a key: the others would be in its
        # way and then look again anyway.
        self._turns: WeakValueDictionary[str, Turns] = WeakValueDictionary()
        # A window that is full stays so until its oldest request leaves it.
        self._full_until: LRUCache[str, datetime] = LRUCache(_REMEMBERED)

    async def take(self, key: str, limit: int, now: datetime) -> None:
        """Count one more request for `key`, unless `limit` of them passed in the last 24 hours.

        One read and one commit; one read for a refusal, and none for those that follow. If the
        answer to the commit is lost, the request may be counted twice: never too many pass.

        Raises:
            RateLimited: it may not pass, and nothing was counted.
            Overloaded: too many count for the same key.
        """
        turns = self._turns.setdefault(
            key, Turns(1, self._database.longest_wait_s, "requests with this purchase")
        )
        async with turns.take():
            self._refuse_until(self._full_until.get(key), now)
            await compare_and_set(
                await self._look(key),
                lambda seen: self._count(key, seen, limit, now),
                lambda: self._look(key),
            )

    def _refuse_until(self, free_at: datetime | None, now: datetime) -> None:
        if free_at is not None and now < free_at:
            raise RateLimited(ceil((free_at - now) / _SECOND))

    async def _look(self, key: str) -> _Window:
        document = await self._database.read_one(
            RATE_LIMITS.of(self._database.client).document(key)
        )
        return (
            _Window() if document is None else _Window(document.fields["passed"], document.version)
        )

    async def _count(self, key: str, seen: _Window, limit: int, now: datetime) -> None:
        verdict = admit(seen.passed, now, limit)
        if verdict.free_at is not None:
            self._full_until[key] = verdict.free_at
            self._refuse_until(verdict.free_at, now)
        client = self._database.client
        reference = RATE_LIMITS.of(client).document(key)
        fields = {"passed": verdict.passed, "expires_at": max(verdict.passed) + WINDOW}
        batch = client.batch()
        if seen.version is None:
            batch.create(reference, fields)
        else:
            unchanged = client.write_option(last_update_time=seen.version)
            batch.update(reference, fields, option=unchanged)
        await self._database.commit(batch)
