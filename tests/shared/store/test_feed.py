"""Feeds of many and of large events."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from google.cloud.firestore_v1.async_document import AsyncDocumentReference

from scripts.local.observed_engine import EngineCall, Execute, observed
from scripts.local.round_trips import RoundTrips
from shared.store import older_events
from shared.store.data_model import USERS
from shared.store.database import Database
from shared.store.events import Event, Events, NewEvent
from shared.store.feed import Feeds, Followed
from shared.store.follow_secrets import FollowSecrets
from shared.store.recent_events import MAX_RECENT_EVENTS
from shared.store.settings import DatabaseSettings
from shared.store.users import Account, PasswordHash, Users
from tests.stored_documents import delete

NOW = datetime(2026, 1, 1, tzinfo=UTC)
LIFETIME = timedelta(days=90)
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


class Publisher:
    """A user who publishes events without HTTP: numbered from 0, one per second."""

    def __init__(self, database: Database, clock_error: timedelta = timedelta()) -> None:
        self.clock_error = clock_error
        self._users = Users(database, with_events=True)
        self._events = Events(database, self._users)
        self.feeds = Feeds(database, self._events)
        self._secrets = FollowSecrets(database, self._users)
        self.id = UUID(int=0)

    async def publish(self, count: int, size_bytes: int = 10) -> None:
        """Create the user and publish events."""
        created = await self._users.create(PasswordHash("", b""), NOW)
        self.id = created.id
        await self._secrets.put(await self._author(), "secret", NOW)
        for number in range(count):
            await self.put(number, size_bytes)

    async def put(self, number: int, size_bytes: int = 10) -> None:
        """Publish an event. The same number replaces the event."""
        now = NOW + timedelta(seconds=number)
        own_time = now + self.clock_error
        content = NewEvent(UUID(int=number), b"x" * size_bytes, b"", own_time + LIFETIME)
        await self._events.put(await self._author(), [content], now)

    async def feed(self, since: datetime, now: datetime = NOW) -> list[Event]:
        """Return the feed of a follower."""
        feed = await self.feeds.read([Followed(self.id, "secret", since)], now)
        assert feed.invalid_follow_secrets == []
        return [event async for event in feed.events]

    def document(self, number: int) -> AsyncDocumentReference:
        """Return the document of an event."""
        return self._events.document(self.id, UUID(int=number))

    async def _author(self) -> Account:
        return await self._users.get_account(self.id)


@pytest.fixture(scope="module")
async def prolific(database: Database) -> Publisher:
    """A publisher with more events than the summary contains."""
    publisher = Publisher(database)
    await publisher.publish(450)
    return publisher


def numbers(events: list[Event]) -> list[int]:
    return [event.event_id.int for event in events]


async def test_feed_contains_events_beyond_the_summary(prolific: Publisher) -> None:
    assert numbers(await prolific.feed(LONG_AGO)) == list(range(450))


async def test_feed_ends_at_the_limit_of_query_pages(
    prolific: Publisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(older_events, "_MAX_QUERY_PAGES", 2)
    first = await prolific.feed(LONG_AGO)
    assert numbers(first) == list(range(64))
    assert numbers(await prolific.feed(first[-1].timestamp)) == list(range(64, 128))


async def test_older_events_take_one_query_per_32(
    prolific: Publisher, settings: DatabaseSettings
) -> None:
    trips = RoundTrips()
    database = Database(settings, trips.open_engine)
    feeds = Feeds(database, Events(database, Users(database)))
    with trips.counted() as calls:
        read = await feeds.read([Followed(prolific.id, "secret", LONG_AGO)], NOW)
        assert len([event async for event in read.events]) == 450
    assert calls == ["BatchGetDocuments", *["RunQuery"] * 15]


@pytest.mark.parametrize("after", [0, 200, 248, 249, 250, 448, 449])
async def test_feed_continues_after_the_last_event(prolific: Publisher, after: int) -> None:
    since = NOW + timedelta(seconds=after)
    assert numbers(await prolific.feed(since)) == list(range(after + 1, 450))


@pytest.mark.parametrize("error", [timedelta(days=2), timedelta(days=-2)], ids=str)
async def test_query_finds_events_of_wrong_clocks(database: Database, error: timedelta) -> None:
    publisher = Publisher(database, error)
    await publisher.publish(MAX_RECENT_EVENTS + 40)
    publisher.clock_error = timedelta()
    await publisher.put(240)
    assert numbers(await publisher.feed(NOW + timedelta(seconds=9))) == list(range(10, 241))
    # With a slow clock, the events before the own time's come again, once.
    first = 10 if error > timedelta() else 0
    own_time = NOW + timedelta(seconds=9) + error
    assert numbers(await publisher.feed(own_time)) == list(range(first, 241))


async def test_query_of_old_events_takes_no_early_page(settings: DatabaseSettings) -> None:
    trips = RoundTrips()
    publisher = Publisher(Database(settings, trips.open_engine))
    await publisher.publish(MAX_RECENT_EVENTS + 1)
    with trips.counted() as calls:
        await publisher.feed(LONG_AGO)
    assert calls == ["BatchGetDocuments"] + ["RunQuery"] * 7


async def test_feed_leaves_out_expired_older_events(prolific: Publisher) -> None:
    assert await prolific.feed(LONG_AGO, now=NOW + timedelta(days=91)) == []


async def test_feed_is_read_in_pages_of_2_mib(settings: DatabaseSettings) -> None:
    trips = RoundTrips()
    publisher = Publisher(Database(settings, trips.open_engine))
    await publisher.publish(50, size_bytes=60_000)
    with trips.counted() as calls:
        events = await publisher.feed(LONG_AGO)
    assert numbers(events) == list(range(50))
    assert calls == ["BatchGetDocuments"] * 3


async def test_feed_leaves_out_a_deleted_event(database: Database) -> None:
    publisher = Publisher(database)
    await publisher.publish(3)
    await delete(database, publisher.document(1))
    assert numbers(await publisher.feed(LONG_AGO)) == [0, 2]


async def test_event_and_summary_have_the_same_write_time(database: Database) -> None:
    publisher = Publisher(database)
    await publisher.publish(1)
    user = await database.read_one(database.document(USERS, publisher.id))
    event = await database.read_one(publisher.document(0))
    assert user is not None
    assert event is not None
    assert user.version == event.version
    assert user.fields["last_event_at"] == event.fields["timestamp"]


async def test_feed_of_an_unknown_user_is_empty(database: Database) -> None:
    followed = Followed(uuid4(), "secret", LONG_AGO)
    feed = await Feeds(database, Events(database, Users(database))).read([followed], NOW)
    assert feed.invalid_follow_secrets == ["secret"]
    assert [event async for event in feed.events] == []


async def test_event_replaced_during_the_read_waits_for_the_next(
    database: Database,
) -> None:
    publisher = Publisher(database)
    await publisher.publish(2)
    followed = Followed(publisher.id, "secret", LONG_AGO)
    feed = await publisher.feeds.read([followed], NOW)
    await publisher.put(2)
    await publisher.put(0)
    # Event 0 is newer now than event 2, which this feed cannot contain.
    seen = [event async for event in feed.events]
    assert numbers(seen) == [1]
    newest = max(event.timestamp for event in seen)
    assert numbers(await publisher.feed(newest)) == [2, 0]


async def test_feed_is_read_in_pages_of_500_events(settings: DatabaseSettings) -> None:
    trips = RoundTrips()
    database = Database(settings, trips.open_engine)
    authors = [Publisher(database) for _ in range(3)]
    await asyncio.gather(*(author.publish(180) for author in authors))
    followed = [Followed(author.id, "secret", LONG_AGO) for author in authors]
    with trips.counted() as calls:
        feed = await authors[0].feeds.read(followed, NOW)
        events = [event async for event in feed.events]
    assert len(events) == 540
    assert calls == ["BatchGetDocuments"] * 3


async def test_at_most_4_large_reads_run_at_a_time(settings: DatabaseSettings) -> None:
    running, highest = 0, 0

    async def count(_call: EngineCall, execute: Execute) -> Any:
        nonlocal running, highest
        running += 1
        highest = max(highest, running)
        try:
            return await execute()
        finally:
            running -= 1

    without_timeout = settings.model_copy(update={"max_wait_s": 60})
    database = Database(without_timeout, observed(count))
    publisher = Publisher(database)
    await publisher.publish(20)
    highest = 0
    feeds = await asyncio.gather(*(publisher.feed(LONG_AGO) for _ in range(40)))
    assert all(numbers(events) == list(range(20)) for events in feeds)
    assert 1 < highest <= 4
