"""Sample documents of all collections, half of them expired."""

import itertools
from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
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

_BATCH_SIZE = 400
_USER_COUNT = 40
_CONTENT = {"encrypted_payload": b"x" * 500}
_MAX_AGE = timedelta(days=100)
_OWN_COLLECTIONS = (CLEANUP_RUNS, DELETIONS, SCAN_POSITIONS)
"""The collections that the cleanup itself writes."""

Document = tuple["AsyncDocumentReference", dict[str, object]]


@dataclass
class SampleDocuments:
    """Writes sample documents into a database, and lists the remaining ones."""

    database: Database
    now: datetime
    kept: set[str] = field(default_factory=set)
    """Paths of the documents that have not expired."""

    users: list[UUID] = field(default_factory=list)

    async def write_expiring(self, count: int) -> AsyncIterator[int]:
        """Write users and `count` documents with an expiry. Yields the number per batch."""
        self.users = [uuid4() for _ in range(_USER_COUNT)]
        await self._write(self._accounts())
        documents = itertools.islice(self._expiring(), count)
        while batch := list(itertools.islice(documents, _BATCH_SIZE)):
            await self._write(batch)
            yield len(batch)

    async def remaining(self) -> set[str]:
        """Return the paths of the users' documents and of all others, except the cleanup's own."""
        paths = set()
        for collection in ALL:
            if collection not in _OWN_COLLECTIONS:
                for parent in self.users if collection.per_user else [None]:
                    query = self.database.collection(collection, parent).select([])
                    paths |= {d.reference.path for d in await self.database.query(query)}
        return paths

    def _accounts(self) -> Iterator[Document]:
        for user_id in self.users:
            lookup = uuid4().hex[:12]
            yield self.database.document(USERS, user_id), {"lookup": lookup}
            yield self.database.document(LOOKUPS, lookup), {"user_id": str(user_id)}

    def _expiring(self) -> Iterator[Document]:
        """Yield pairs of an expired and a current document, of each collection in turn, forever."""
        collections = [
            each for each in ALL if each.ttl_field is not None and each not in _OWN_COLLECTIONS
        ]
        for number, user_id in enumerate(itertools.cycle(self.users)):
            collection = collections[number % len(collections)]
            # 97 is prime, so every collection gets all ages.
            age = _MAX_AGE * ((number % 97 + 1) / 97)
            for expires_at in (self.now - age, self.now + age):
                fields = {**_CONTENT, str(collection.ttl_field): expires_at}
                yield self._new_document(collection, user_id), fields

    def _new_document(self, collection: Collection, user_id: UUID) -> "AsyncDocumentReference":
        return self.database.document(collection, uuid4(), user_id=user_id)

    async def _write(self, documents: Iterable[Document]) -> None:
        batch = self.database.batch()
        for reference, fields in documents:
            batch.set(reference, fields)
            expires_at = next((at for at in fields.values() if isinstance(at, datetime)), None)
            if expires_at is None or expires_at > self.now:
                self.kept.add(reference.path)
        await self.database.commit(batch)
