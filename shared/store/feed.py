"""The feed: the new events of all users that a reader follows.

One batch read checks the follow secrets and finds the users with new events. One more reads these
events. Only a followed user with more than 200 unexpired events may need queries: if the reader has
not read the older ones.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from shared.store.data_model import EVENT_SUMMARY_FIELDS, USERS
from shared.store.database import Database
from shared.store.event_summary import EventSummary
from shared.store.events import Event, Events
from shared.store.follow_secrets import follow_secret_document
from shared.store.older_events import OlderEvents
from shared.store.pages import in_pages
from shared.store.recent_events import RecentEvent
from shared.store.unread_events import Unread
from shared.timestamps import to_micros

# A page takes a fraction of a call's deadline, even while other requests use the same CPU.
_MAX_PAGE_BYTES = 2 * 1024 * 1024
_MAX_PAGE_EVENTS = 500


@dataclass(frozen=True)
class Followed:
    """A followed user, the reader's follow secret, and the time of the newest event it has.

    Source of that time: `shared/store/unread_events.py`.
    """

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
        self._older = OlderEvents(database)

    async def read(self, followed: Sequence[Followed], now: datetime) -> Feed:
        """Return the unexpired events of the followed users, oldest first for each user.

        A secret is invalid if it is unknown, revoked or another user's. It yields no events, but
        another, valid secret of the same user does.

        Cost: one round trip. Reading the events takes one more per 500 of them or 2 MiB, which is
        also the memory that they take. Older events take one query per 32, up to 5,120 per user,
        and up to two more if `since` lies within the last 93 days.
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
        since: dict[UUID, set[int]] = {}
        # A dict and not a set: the response keeps the order of the request.
        invalid: dict[str, None] = {}
        for f in followed:
            # A secret outlives its owner until the documents of the deleted owner are deleted.
            if (f.user_id, f.follow_secret) in valid and f.user_id in summaries:
                since.setdefault(f.user_id, set()).add(to_micros(f.since))
            else:
                invalid[f.follow_secret] = None
        return Feed(list(invalid), self._unread_events(since, summaries, now))

    async def _unread_events(
        self, since: dict[UUID, set[int]], summaries: dict[UUID, EventSummary], now: datetime
    ) -> AsyncIterator[Event]:
        entries: list[tuple[UUID, RecentEvent]] = []
        older: dict[UUID, Unread] = {}
        for user_id, instants in since.items():
            summary = summaries[user_id]
            if summary.is_read(instants):
                continue  # Most followed users have no new events: decode no entries for them.
            unread = summary.unread(instants)
            if summary.contains(unread, now):
                entries += [(user_id, event) for event in summary.select(unread, now)]
            else:
                older[user_id] = unread
        for page in in_pages(
            entries,
            lambda entry: entry[1].size_bytes,
            max_bytes=_MAX_PAGE_BYTES,
            max_items=_MAX_PAGE_EVENTS,
        ):
            for event in await self._read_page(page):
                yield event
        async for event in self._older.read(older, now):
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
