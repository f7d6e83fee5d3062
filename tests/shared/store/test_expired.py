"""The deletion of expired documents, in a database of its own."""

import asyncio
import itertools
from collections.abc import Iterable, Sequence
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from google.cloud.firestore_v1.async_document import AsyncDocumentReference
from google.cloud.firestore_v1.async_query import AsyncQuery

from scripts.local.round_trips import RoundTrips
from shared.store.data_model import ALL, EVENTS, RATE_LIMITS, SHARED_ITEMS, Collection
from shared.store.database import Database
from shared.store.documents import Document
from shared.store.expired import Expired
from shared.store.settings import DatabaseSettings

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
MOMENT = timedelta(microseconds=1)


@pytest.fixture
def own() -> Database:
    """A database that nobody else writes to."""
    return Database(DatabaseSettings(project=f"expired-{uuid4()}"))


async def put(database: Database, collection: Collection, *expiries: datetime) -> None:
    batch = database.client.batch()
    for number, expiry in enumerate(expiries):
        document = collection.of(database.client, uuid4()).document(str(number))
        batch.set(document, {str(collection.ttl_field): expiry, "number": number})
    await database.commit(batch)


async def left(database: Database, collection: Collection) -> set[str]:
    return {d.id for d in await database.query(collection.everywhere(database.client).select([]))}


async def purged(database: Database, collection: Collection, page_size: int = 300) -> list[int]:
    return [count async for count in Expired(database, page_size).purge(collection, NOW)]


@pytest.mark.parametrize("collection", [c for c in ALL if c.ttl_field], ids=lambda c: c.name)
async def test_what_has_expired_goes_at_the_very_instant_and_nothing_else(
    own: Database, collection: Collection
) -> None:
    await put(own, collection, NOW - timedelta(days=400), NOW - MOMENT, NOW, NOW + MOMENT)
    assert await purged(own, collection) == [3]
    assert await left(own, collection) == {"3"}


async def test_what_has_no_expiry_stays(own: Database) -> None:
    await own.client.collection(SHARED_ITEMS.name).document("old").set({"user_id": "x"})
    assert await purged(own, SHARED_ITEMS) == []
    assert await left(own, SHARED_ITEMS) == {"old"}


async def test_the_longest_expired_go_first_a_page_at_a_time(own: Database) -> None:
    await put(own, SHARED_ITEMS, *(NOW - timedelta(days=day) for day in (1, 3, 2, 4, 5)))
    pages = Expired(own, 2).purge(SHARED_ITEMS, NOW)
    assert await anext(pages) == 2
    assert await left(own, SHARED_ITEMS) == {"0", "1", "2"}
    assert await anext(pages) == 2
    assert await left(own, SHARED_ITEMS) == {"0"}
    await pages.aclose()
    assert await left(own, SHARED_ITEMS) == {"0"}


async def test_a_page_costs_a_query_and_a_commit_and_no_content_is_read() -> None:
    trips = RoundTrips()
    database = Database(
        DatabaseSettings(project=f"expired-{uuid4()}"), interceptors=trips.interceptors
    )
    await put(database, RATE_LIMITS, *([NOW] * 5))
    with trips.counted() as calls:
        assert await purged(database, RATE_LIMITS, page_size=2) == [2, 2, 1]
    assert calls == ["RunQuery", "Commit"] * 3 + ["RunQuery"]


class Interfering(Database):
    """A store in which somebody writes between our query and our commit, once."""

    async def somebody_writes(self) -> None:
        """Write."""

    async def commit(self, batch, *, repeatable: bool = True) -> None:  # type: ignore[no-untyped-def] # noqa: ANN001
        """Commit, after the other did."""
        write, self.somebody_writes = self.somebody_writes, _nothing  # type: ignore[method-assign]
        await write()
        await super().commit(batch, repeatable=repeatable)


async def _nothing() -> None:
    pass


async def test_an_event_that_is_put_again_at_the_last_moment_stays(own: Database) -> None:
    database = Interfering(DatabaseSettings(project=own.client.project))
    await put(own, EVENTS, NOW - 2 * MOMENT, NOW - MOMENT, NOW)
    [again, *_] = await own.query(EVENTS.everywhere(own.client).limit(1))

    async def put_again() -> None:
        await again.reference.set({"expiry": NOW + MOMENT})

    database.somebody_writes = put_again  # type: ignore[method-assign]
    assert await purged(database, EVENTS) == [2]
    assert await left(own, EVENTS) == {again.id}


async def test_what_somebody_else_deletes_meanwhile_is_not_counted(own: Database) -> None:
    database = Interfering(DatabaseSettings(project=own.client.project))
    await put(own, EVENTS, NOW, NOW, NOW)
    [gone, *_] = await own.query(EVENTS.everywhere(own.client).limit(1))

    async def delete() -> None:
        await gone.reference.delete()

    database.somebody_writes = delete  # type: ignore[method-assign]
    assert await purged(database, EVENTS) == [2]


class Rewritten(Database):
    """A store in which a document is written after every query and every read."""

    def __init__(self, project: str, documents: Iterable[AsyncDocumentReference]) -> None:
        super().__init__(DatabaseSettings(project=project))
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
        # A write that changes nothing would leave the time of the last write as it was.
        await next(self._documents).set({"expiry": NOW, "write": next(self._writes)})


async def pages_of(database: Database, collection: Collection, page_size: int) -> list[int]:
    """Return the number of deletions per page. Fail if the purge does not end."""
    pages = Expired(database, page_size).purge(collection, NOW)
    counts = []
    async with aclosing(pages):
        async for count in pages:
            counts.append(count)
            assert len(counts) < 20, "the purge makes no progress"
    return counts


@pytest.mark.parametrize("number", [0, 2, 4], ids=["first", "middle", "last"])
async def test_only_the_rewritten_document_of_a_page_stays(own: Database, number: int) -> None:
    await put(own, SHARED_ITEMS, *(NOW - day * timedelta(days=1) for day in range(10, 0, -1)))
    rewritten = SHARED_ITEMS.of(own.client).document(str(number))
    database = Rewritten(own.client.project, itertools.repeat(rewritten))
    # The last page has the document again: it now expires last.
    assert await pages_of(database, SHARED_ITEMS, page_size=5) == [4, 5, 0]
    assert await left(own, SHARED_ITEMS) == {str(number)}


async def test_purge_leaves_a_page_that_changes_with_every_read(own: Database) -> None:
    await put(own, SHARED_ITEMS, *([NOW] * 20))
    first_page = sorted(await left(own, SHARED_ITEMS))[:10]
    changing = [SHARED_ITEMS.of(own.client).document(each) for each in first_page]
    database = Rewritten(own.client.project, itertools.cycle(changing))
    # Each of the five attempts finds another document that was written.
    assert await pages_of(database, SHARED_ITEMS, page_size=10) == [0, 10]
    assert await left(own, SHARED_ITEMS) == set(first_page)


async def test_purge_passes_many_documents_of_one_instant(own: Database) -> None:
    await put(own, EVENTS, *([NOW] * 7))
    assert await pages_of(own, EVENTS, page_size=2) == [2, 2, 2, 1]
    assert await left(own, EVENTS) == set()


async def test_several_at_once_delete_each_document_once(own: Database) -> None:
    await put(own, RATE_LIMITS, *([NOW] * 200), NOW + MOMENT)
    counts = await asyncio.gather(*(purged(own, RATE_LIMITS, page_size=20) for _ in range(4)))
    assert sum(map(sum, counts)) == 200
    assert await left(own, RATE_LIMITS) == {"200"}
