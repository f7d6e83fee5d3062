"""A database full of documents of all kinds, every second of which has expired."""

import itertools
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

from shared.store.data_model import (
    ALL,
    CLEANUP_RUNS,
    DELETIONS,
    LOOKUPS,
    SCAN_POSITIONS,
    USERS,
    Collection,
)
from shared.store.database import Database

if TYPE_CHECKING:
    from google.cloud.firestore_v1.async_document import AsyncDocumentReference

_PAGE = 400
_USERS = 40
_CONTENT = {"encrypted_payload": b"x" * 500}
_LONGEST = timedelta(days=100)
_NOTES = (CLEANUP_RUNS, DELETIONS, SCAN_POSITIONS)
"""What the cleanup itself writes."""


@dataclass
class Clutter:
    """What was put into a database."""

    database: Database
    now: datetime
    kept: set[str] = field(default_factory=set)
    """The paths of what has not expired."""

    async def scatter(self, count: int) -> AsyncIterator[int]:
        """Write that many documents that expire, and users; yield how many after each page."""
        users = [uuid4() for _ in range(_USERS)]
        await self._write(self._living(users))
        documents = itertools.islice(self._expiring(users), count)
        while page := list(itertools.islice(documents, _PAGE)):
            await self._write(page)
            yield len(page)

    async def left(self) -> set[str]:
        """Return the paths of all documents but the cleanup's own notes."""
        paths = set()
        for collection in ALL:
            if collection not in _NOTES:
                everything = self.database.collection_group(collection).select([])
                paths |= {d.reference.path for d in await self.database.query(everything)}
        return paths

    def _living(
        self, users: list[UUID]
    ) -> Iterator[tuple["AsyncDocumentReference", dict[str, Any]]]:
        for user_id in users:
            lookup = uuid4().hex[:12]
            yield self.database.document(USERS, user_id), {"lookup": lookup}
            yield self.database.document(LOOKUPS, lookup), {"user_id": str(user_id)}

    def _expiring(
        self, users: list[UUID]
    ) -> Iterator[tuple["AsyncDocumentReference", dict[str, Any]]]:
        """Yield without end, of each kind in turn, one that has expired and one that has not."""
        kinds = [each for each in ALL if each.ttl_field is not None and each not in _NOTES]
        for number, user_id in enumerate(itertools.cycle(users)):
            kind = kinds[number % len(kinds)]
            age = _LONGEST * ((number % 97 + 1) / 97)
            for expires_at in (self.now - age, self.now + age):
                yield self._document(kind, user_id), {**_CONTENT, str(kind.ttl_field): expires_at}

    def _document(self, kind: Collection, user_id: UUID) -> "AsyncDocumentReference":
        return self.database.document(kind, uuid4(), user_id=user_id)

    async def _write(self, documents: Any) -> None:  # noqa: ANN401 - pairs, of any kind of iterable
        batch = self.database.batch()
        for reference, fields in documents:
            batch.set(reference, fields)
            expires_at = next((at for at in fields.values() if isinstance(at, datetime)), None)
            if expires_at is None or expires_at > self.now:
                self.kept.add(reference.path)
        await self.database.commit(batch)
