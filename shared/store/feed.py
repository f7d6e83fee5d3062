"""The feed: the new events of all users that a reader follows.

One batch read checks the follow secrets and finds the users with new events. One more reads these
events. Only a followed user with more than 200 unexpired events may need queries: if the reader has
not read the older ones.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from google.cloud.firestore_v1.base_query import FieldFilter

from shared.store.data_model import EVENT_SUMMARY_FIELDS, EVENTS, USERS
from shared.store.database import Database
from shared.store.documents import Document
from shared.store.events import Event, Events
from shared.store.follow_secrets import follow_secret_document
from shared.store.pages import in_pages
from shared.store.recent_events import EventSummary, RecentEvent

if TYPE_CHECKING:
    from google.cloud.firestore_v1.async_query import AsyncQuery

# A page takes a fraction of a call's deadline, even while other requests use the same CPU.
_MAX_PAGE_BYTES = 2 * 1024 * 1024
_MAX_PAGE_EVENTS = 500
# A query does not know the sizes of its events. 32 events of the largest size take 2 MiB.
_QUERY_PAGE_SIZE = 32
_MAX_QUERY_PAGES = 160
"""5,120 events of one followed user. The reader gets the rest with its next request."""


@dataclass(frozen=True)
class Followed:
    """A followed user, the reader's follow secret, and the time of the newest event it has."""

    user_id: UUID
    follow_secret: str
    since: datetime


@dataclass(frozen=True)
class Feed:
    """The invalid follow secrets, and the events, which are read while they are consumed."""

    invalid_follow_secrets: list[str]
    events: AsyncIterator[Event]


class Feeds:
    """Reads feeds."""

    def __init__(self, database: Database, events: Events) -> None:
        self._database = database
        self._events = events

    async def read(self, followed: Sequence[Followed], now: datetime) -> Feed:
        """Return the unexpired events of the followed users, oldest first for each user.

        A secret is invalid if it is unknown, revoked or another user's. It yields no events, but
        another, valid secret of the same user does.

        Cost: one round trip. Reading the events takes one more per 500 of them or 2 MiB, which is
        also the memory that they take. Older events take one query per 32, up to 5,120 per user.
        """
        secrets = {
            follow_secret_document(self._database, f.user_id, f.follow_secret): f for f in followed
        }
        users = {self._database.document(USERS, f.user_id): f.user_id for f in followed}
        valid: set[tuple[UUID, str]] = set()
        summaries: dict[UUID, EventSummary] = {}
        async with self._database.heavy_slot():
            documents = await self._database.read([*secrets, *users], EVENT_SUMMARY_FIELDS)
        for document in documents:
            if (secret := secrets.get(document.reference)) is not None:
                valid.add((secret.user_id, secret.follow_secret))
            else:
                summaries[users[document.reference]] = EventSummary.of(document.fields)
        since: dict[UUID, datetime] = {}
        # A dict and not a set: the response keeps the order of the request.
        invalid: dict[str, None] = {}
        for f in followed:
            # A secret outlives its owner until the documents of the deleted owner are deleted.
            if (f.user_id, f.follow_secret) in valid and f.user_id in summaries:
                since[f.user_id] = min(f.since, since.get(f.user_id, f.since))
            else:
                invalid[f.follow_secret] = None
        return Feed(list(invalid), self._events_since(since, summaries, now))

    async def _events_since(
        self, since: dict[UUID, datetime], summaries: dict[UUID, EventSummary], now: datetime
    ) -> AsyncIterator[Event]:
        entries: list[tuple[UUID, RecentEvent]] = []
        older: dict[UUID, AsyncQuery] = {}
        for user_id, instant in since.items():
            summary = summaries[user_id]
            if summary.last_event_at is None or summary.last_event_at <= instant:
                continue  # Most followed users have no new events: decode no entries for them.
            recent = summary.recent()
            if recent.is_complete_after(instant, now):
                entries += [(user_id, event) for event in recent.after(instant, now)]
            else:
                older[user_id] = self._query_after(user_id, instant)
        for page in in_pages(
            entries,
            lambda entry: entry[1].size_bytes,
            max_bytes=_MAX_PAGE_BYTES,
            max_items=_MAX_PAGE_EVENTS,
        ):
            for event in await self._read_page(page):
                yield event
        async for event in self._run(older):
            if event.expiry > now:
                yield event

    async def _read_page(self, page: Sequence[tuple[UUID, RecentEvent]]) -> list[Event]:
        """Read the events of `page` in one call; leave out those that were deleted or replaced."""
        numbers = {
            self._events.document(user_id, event.event_id): number
            for number, (user_id, event) in enumerate(page)
        }
        found: dict[int, Event] = {}
        # The response may have begun: an error would cut it off.
        async with self._database.heavy_slot(wait_without_limit=True):
            documents = await self._database.read(list(numbers))
        for document in documents:
            number = numbers[document.reference]
            user_id, entry = page[number]
            event = Event.of(user_id, document)
            # An event that was put again after the read of the summary has a new timestamp. Another
            # event with a timestamp in between may be missing here. A reader that got the newer one
            # would never ask for the other, so both wait for the next request.
            if event.timestamp == entry.timestamp:
                found[number] = event
        # Firestore returns documents in any order.
        return [found[number] for number in sorted(found)]

    def _query_after(self, user_id: UUID, since: datetime) -> "AsyncQuery":
        return (
            self._database.collection(EVENTS, user_id)
            .where(filter=FieldFilter("timestamp", ">", since))
            .order_by("timestamp")
            .order_by("__name__")
            .limit(_QUERY_PAGE_SIZE)
        )

    async def _run(self, queries: dict[UUID, "AsyncQuery"]) -> AsyncIterator[Event]:
        """Run the queries of a few users, one page at a time: pages are the memory of a request.

        Stops after `_MAX_QUERY_PAGES` pages per user. Events are sorted by time, so a reader gets
        the rest with the timestamp of the last event as the next `since`.
        """
        for user_id, first in queries.items():
            query = first
            for _ in range(_MAX_QUERY_PAGES):
                async with self._database.heavy_slot(wait_without_limit=True):
                    page = await self._database.query(query)
                for document in page:
                    yield Event.of(user_id, document)
                if len(page) < _QUERY_PAGE_SIZE:
                    break
                query = query.start_after(_cursor(page[-1]))


def _cursor(last: Document) -> dict[str, Any]:
    """Return the cursor after which the next page begins."""
    return {"timestamp": last.fields["timestamp"], "__name__": last.reference}
