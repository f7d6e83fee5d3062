"""The deletion of expired documents."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from google.cloud.firestore_v1.async_batch import AsyncWriteBatch
from google.cloud.firestore_v1.async_document import AsyncDocumentReference
from google.cloud.firestore_v1.async_query import AsyncQuery

from scripts.local.round_trips import RoundTrips
from shared.store.data_model import ALL, EVENTS, RATE_LIMITS, SHARED_ITEMS, Collection
from shared.store.database import Database
from shared.store.documents import Document
from shared.store.expired import Expired
from shared.store.settings import DatabaseSettings
from tests.stored_documents import all_documents, delete, put

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


async def put_documents(database: Database, collection: Collection, *expiries: datetime) -> None:
    batch = database.batch()
    for number, expiry in enumerate(expiries):
        document = database.document(collection, str(number), user_id=uuid4())
        batch.set(document, {str(collection.ttl_field): expiry, "number": number})
    await database.commit(batch)


async def remaining_ids(database: Database, collection: Collection) -> set[str]:
    return {document.id for document in await all_documents(database, collection)}


async def purge(database: Database, collection: Collection, page_size: int = 300) -> list[int]:
    return [count async for count in Expired(database, page_size).purge(collection, NOW)]


@pytest.mark.parametrize("collection", [c for c in ALL if c.ttl_field], ids=lambda c: c.name)
async def test_document_is_deleted_from_its_expiry_on(
    own_database: Database, collection: Collection
) -> None:
    await put_documents(
        own_database,
        collection,
        NOW - timedelta(days=400),
        NOW - MICROSECOND,
        NOW,
        NOW + MICROSECOND,
    )
    assert await purge(own_database, collection) == [3]
    assert await remaining_ids(own_database, collection) == {"3"}


async def test_document_without_expiry_stays(own_database: Database) -> None:
    await put(own_database, own_database.document(SHARED_ITEMS, "old"), {"user_id": "x"})
    assert await purge(own_database, SHARED_ITEMS) == []
    assert await remaining_ids(own_database, SHARED_ITEMS) == {"old"}


async def test_documents_that_expired_first_are_deleted_first(own_database: Database) -> None:
    await put_documents(
        own_database, SHARED_ITEMS, *(NOW - timedelta(days=day) for day in (1, 3, 2, 4, 5))
    )
    pages = Expired(own_database, 2).purge(SHARED_ITEMS, NOW)
    assert await anext(pages) == 2
    assert await remaining_ids(own_database, SHARED_ITEMS) == {"0", "1", "2"}
    assert await anext(pages) == 2
    assert await remaining_ids(own_database, SHARED_ITEMS) == {"0"}
    await pages.aclose()
    assert await remaining_ids(own_database, SHARED_ITEMS) == {"0"}


async def test_page_costs_a_query_and_a_commit(own_settings: DatabaseSettings) -> None:
    trips = RoundTrips()
    database = Database(own_settings, trips.open_engine)
    await put_documents(database, RATE_LIMITS, *([NOW] * 5))
    with trips.counted() as calls:
        assert await purge(database, RATE_LIMITS, page_size=2) == [2, 2, 1]
    assert calls == ["RunQuery", "Commit"] * 3 + ["RunQuery"]


class Interfering(Database):
    """A database with another writer between the first query and the first commit."""

    def __init__(self, settings: DatabaseSettings, write: Callable[[], Awaitable[object]]) -> None:
        super().__init__(settings)
        self._writes = [write]

    async def commit(self, batch: AsyncWriteBatch, *, repeatable: bool = True) -> None:
        """Let the other writer write, then commit."""
        while self._writes:
            await self._writes.pop()()
        await super().commit(batch, repeatable=repeatable)


async def test_event_that_is_put_again_before_the_commit_stays(
    own_settings: DatabaseSettings, own_database: Database
) -> None:
    await put_documents(own_database, EVENTS, NOW - 2 * MICROSECOND, NOW - MICROSECOND, NOW)
    [event, *_] = await all_documents(own_database, EVENTS)
    renewed = {"expiry": NOW + MICROSECOND}
    database = Interfering(own_settings, lambda: put(own_database, event.reference, renewed))
    assert await purge(database, EVENTS) == [2]
    assert await remaining_ids(own_database, EVENTS) == {event.id}


async def test_document_that_another_writer_deletes_is_not_counted(
    own_settings: DatabaseSettings, own_database: Database
) -> None:
    await put_documents(own_database, EVENTS, NOW, NOW, NOW)
    [event, *_] = await all_documents(own_database, EVENTS)
    database = Interfering(own_settings, lambda: delete(own_database, event.reference))
    assert await purge(database, EVENTS) == [2]


class Rewritten(Database):
    """A database with another writer after every query and every read.

    It writes the next one of `documents` each time.
    """

    def __init__(
        self, settings: DatabaseSettings, documents: Iterable[AsyncDocumentReference]
    ) -> None:
        super().__init__(settings)
        self._documents = iter(documents)
        self._writes = itertools.count()

    async def query(self, query: AsyncQuery) -> list[Document]:
        """Query, then write the next document."""
        found = await super().query(query)
        await self._write()
        return found

    async def read(
        self, references: Sequence[AsyncDocumentReference], fields: Iterable[str] = ()
    ) -> list[Document]:
        """Read, then write the next document."""
        found = await super().read(references, fields)
        await self._write()
        return found

    async def _write(self) -> None:
        # The counter changes the document: a write without a change keeps the version.
        await put(self, next(self._documents), {"expiry": NOW, "write": next(self._writes)})


async def count_per_page(database: Database, collection: Collection, page_size: int) -> list[int]:
    """Return the number of deletions per page. Fail if the purge does not end."""
    pages = Expired(database, page_size).purge(collection, NOW)
    counts = []
    async with aclosing(pages):
        async for count in pages:
            counts.append(count)
            assert len(counts) < 20, "the purge makes no progress"
    return counts


@pytest.mark.parametrize("number", [0, 2, 4], ids=["first", "middle", "last"])
async def test_only_the_rewritten_document_of_a_page_stays(
    own_settings: DatabaseSettings, own_database: Database, number: int
) -> None:
    await put_documents(
        own_database, SHARED_ITEMS, *(NOW - day * timedelta(days=1) for day in range(10, 0, -1))
    )
    rewritten = own_database.document(SHARED_ITEMS, str(number))
    database = Rewritten(own_settings, itertools.repeat(rewritten))
    # The rewritten document expires last now, so the last page contains it again.
    assert await count_per_page(database, SHARED_ITEMS, page_size=5) == [4, 5, 0]
    assert await remaining_ids(own_database, SHARED_ITEMS) == {str(number)}


async def test_page_that_changes_with_every_read_stays(
    own_settings: DatabaseSettings, own_database: Database
) -> None:
    await put_documents(own_database, SHARED_ITEMS, *([NOW] * 20))
    first_page = sorted(await remaining_ids(own_database, SHARED_ITEMS))[:10]
    changing = [own_database.document(SHARED_ITEMS, each) for each in first_page]
    database = Rewritten(own_settings, itertools.cycle(changing))
    # Each of the five attempts conflicts with a write of another document.
    assert await count_per_page(database, SHARED_ITEMS, page_size=10) == [0, 10]
    assert await remaining_ids(own_database, SHARED_ITEMS) == set(first_page)


async def test_documents_with_the_same_expiry_are_all_deleted(own_database: Database) -> None:
    await put_documents(own_database, EVENTS, *([NOW] * 7))
    assert await count_per_page(own_database, EVENTS, page_size=2) == [2, 2, 2, 1]
    assert await remaining_ids(own_database, EVENTS) == set()


async def test_concurrent_purges_delete_each_document_once(own_database: Database) -> None:
    await put_documents(own_database, RATE_LIMITS, *([NOW] * 200), NOW + MICROSECOND)
    counts = await asyncio.gather(
        *(purge(own_database, RATE_LIMITS, page_size=20) for _ in range(4))
    )
    assert sum(map(sum, counts)) == 200
    assert await remaining_ids(own_database, RATE_LIMITS) == {"200"}


async def test_expired_shared_items_are_deleted_in_pages_of_64(own_database: Database) -> None:
    batch = own_database.batch()
    for _ in range(70):
        batch.set(own_database.document(SHARED_ITEMS, uuid4().hex), {"expiry": NOW})
    await own_database.commit(batch)
    assert await purge(own_database, SHARED_ITEMS) == [64, 6]
