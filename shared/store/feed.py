"""The feed: what those whom somebody follows have published since the last look.

Whatever the number of the followed, it takes one batch read to check the secrets and see who has
news, and as a rule one more to fetch these. Only who follows somebody with more than 200 living
events, of which some older ones are still to be read, pays for queries.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, Any
from uuid import UUID

from google.cloud.firestore_v1.base_query import FieldFilter

from shared.store.data_model import EVENTS, NEWS_FIELDS, user_document
from shared.store.database import Database
from shared.store.documents import Document
from shared.store.events import Event, Events, News
from shared.store.follow_secrets import follow_secret_document
from shared.store.recent_events import RecentEvent

if TYPE_CHECKING:
    from google.cloud.firestore_v1.async_query import AsyncQuery

# A page takes a fraction of a call's deadline, also when it shares the CPU with others.
_BYTES_AT_ONCE = 2 * 1024 * 1024
_EVENTS_AT_ONCE = 500
_QUERY_PAGE = 100
_QUERIES_AT_ONCE = 5
_MAX_QUERY_PAGES = 50
"""Of one followed user: 5,000 events. A reader gets the rest when it asks for later ones."""


@dataclass(frozen=True)
class Followed:
    """Somebody who is followed, the secret that permits it, and what is already known."""

    user_id: UUID
    follow_secret: str
    since: datetime


@dataclass(frozen=True)
class Feed:
    """The secrets that are of no use, and the events, which are read as they are consumed."""

    invalid_follow_secrets: list[str]
    events: AsyncIterator[Event]


class Feeds:
    """Reads feeds."""

    def __init__(self, database: Database, events: Events) -> None:
        self._database = database
        self._events = events

    async def read(self, followed: Sequence[Followed], now: datetime) -> Feed:
        """Return the living events of the followed, oldest first for each of them.

        A secret that is unknown, revoked, or not of the user it came with comes back as invalid. It
        yields nothing, but another, valid secret of the same user does.

        Cost: one round trip; consuming the events takes one more per 500 or 2 MiB of them, which
        is also what is held in memory, and a query per 100 that are not among the recent ones.
        Those return 5,000 events of a user at most.
        """
        client = self._database.client
        secrets = {follow_secret_document(client, f.user_id, f.follow_secret): f for f in followed}
        users = {user_document(client, f.user_id): f.user_id for f in followed}
        valid: set[tuple[UUID, str]] = set()
        news: dict[UUID, dict[str, Any]] = {}
        async with self._database.turn():
            documents = await self._database.read([*secrets, *users], NEWS_FIELDS)
        for document in documents:
            if (secret := secrets.get(document.reference)) is not None:
                valid.add((secret.user_id, secret.follow_secret))
            else:
                news[users[document.reference]] = document.fields
        since: dict[UUID, datetime] = {}
        refused: dict[str, None] = {}
        for f in followed:
            if (f.user_id, f.follow_secret) in valid and f.user_id in news:
                since[f.user_id] = min(f.since, since.get(f.user_id, f.since))
            else:
                refused[f.follow_secret] = None
        return Feed(list(refused), self._events_since(since, news, now))

    async def _events_since(
        self, since: dict[UUID, datetime], news: dict[UUID, dict[str, Any]], now: datetime
    ) -> AsyncIterator[Event]:
        recent: list[tuple[UUID, RecentEvent]] = []
        older: dict[UUID, AsyncQuery] = {}
        for user_id, instant in since.items():
            last_event_at = news[user_id].get("last_event_at")
            if last_event_at is None or last_event_at <= instant:
                continue  # Nothing new: the list of what is recent need not even be decoded.
            known = News.of(news[user_id]).recent
            if known.knows_all_after(instant, now):
                recent += [(user_id, event) for event in known.after(instant, now)]
            else:
                older[user_id] = self._query_after(user_id, instant)
        for page in _in_pages(recent):
            for event in await self._fetch(page):
                yield event
        async for event in self._run(older):
            if event.expiry > now:
                yield event

    async def _fetch(self, page: Sequence[tuple[UUID, RecentEvent]]) -> list[Event]:
        """Read the events of `page` at once; one that is gone or has changed is left out.

        One that was put again since its author's document was read has a newer stamp, perhaps newer
        than that of an event that we do not know of. Who got the one and then asked for what is
        newer would never get the other, so it has to wait for the next look.
        """
        places = {
            self._events.document(user_id, event.event_id): number
            for number, (user_id, event) in enumerate(page)
        }
        found: dict[int, Event] = {}
        async with self._database.turn(answering=True):
            documents = await self._database.read(list(places))
        for document in documents:
            number = places[document.reference]
            user_id, known = page[number]
            event = Event.of(user_id, document)
            if event.timestamp == known.timestamp:
                found[number] = event
        return [found[number] for number in sorted(found)]

    def _query_after(self, user_id: UUID, since: datetime) -> "AsyncQuery":
        events = EVENTS.of(self._database.client, user_id)
        return (
            events.where(filter=FieldFilter("timestamp", ">", since))
            .order_by("timestamp")
            .order_by("__name__")
            .limit(_QUERY_PAGE)
        )

    async def _run(self, queries: dict[UUID, "AsyncQuery"]) -> AsyncIterator[Event]:
        """Run the queries, those of a few users side by side, a page each at a time.

        Stops after `_MAX_QUERY_PAGES` pages of a user. Events come oldest first, so the timestamp
        of the last one that was returned is the `since` with which a reader gets the rest.
        """
        waiting = iter(queries.items())
        while group := dict(islice(waiting, _QUERIES_AT_ONCE)):
            for _ in range(_MAX_QUERY_PAGES):
                async with self._database.turn(answering=True):
                    pages = await asyncio.gather(*map(self._database.query, group.values()))
                for (user_id, query), page in zip([*group.items()], pages, strict=True):
                    for document in page:
                        yield Event.of(user_id, document)
                    if len(page) < _QUERY_PAGE:
                        del group[user_id]
                    else:
                        group[user_id] = query.start_after(_position(page[-1]))
                if not group:
                    break


def _position(last: Document) -> dict[str, Any]:
    """Return the place in the query's order after which its next page begins."""
    return {"timestamp": last.fields["timestamp"], "__name__": last.reference}


def _in_pages(
    events: Sequence[tuple[UUID, RecentEvent]],
) -> Iterator[list[tuple[UUID, RecentEvent]]]:
    """Cut the events into runs of 500 events and 2 MiB at most."""
    page: list[tuple[UUID, RecentEvent]] = []
    size_bytes = 0
    for user_id, event in events:
        is_full = size_bytes + event.size_bytes > _BYTES_AT_ONCE or len(page) == _EVENTS_AT_ONCE
        if page and is_full:
            yield page
            page, size_bytes = [], 0
        page.append((user_id, event))
        size_bytes += event.size_bytes
    if page:
        yield page
