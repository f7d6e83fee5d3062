"""The queries of a feed, for unread events that the summaries do not contain."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from google.cloud.firestore_v1.base_query import FieldFilter

from shared.store.data_model import EVENTS
from shared.store.database import Database
from shared.store.documents import Document
from shared.store.events import Event
from shared.store.unread_events import LIFETIME, MAX_CLOCK_ERROR, Unread
from shared.timestamps import from_micros, to_micros

if TYPE_CHECKING:
    from google.cloud.firestore_v1.async_query import AsyncQuery

# A query does not know the sizes of its events. 32 events of the largest size take 2 MiB.
_QUERY_PAGE_SIZE = 32
_MAX_QUERY_PAGES = 160
"""5,120 events of one followed user. The reader gets the rest with its next request."""


class OlderEvents:
    """Queries events by their timestamp."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def read(self, unread: dict[UUID, Unread], now: datetime) -> AsyncIterator[Event]:
        """Query the unread events of a few users, oldest first for each user.

        The first query finds the event with the timestamp `since`. If there is none, the second
        one finds the events of the days before, of which a few may be unread. The last one finds
        the later events. Each has its own limit of pages, so it always returns some of them.
        """
        # Before that, each event has expired whose own time is later than `since`.
        oldest = to_micros(now) - LIFETIME - MAX_CLOCK_ERROR
        same = {
            user_id: self._query(user_id, each.split - 1, each.split)
            for user_id, each in unread.items()
            if each.split > oldest
        }
        async for event in self._run(same):
            unread[event.user_id] = unread[event.user_id].following(*_times(event))
        early = {
            user_id: self._query(user_id, max(each.start, oldest), each.split)
            for user_id, each in unread.items()
            if max(each.start, oldest) < each.split
        }
        late = {user_id: self._query(user_id, each.split) for user_id, each in unread.items()}
        for queries in (early, late):
            async for event in self._run(queries):
                rest = unread[event.user_id]
                unread[event.user_id] = rest.following(*_times(event))
                if event.expiry > now and rest.includes(*_times(event)):
                    yield event

    def _query(self, user_id: UUID, after: int, until: int | None = None) -> "AsyncQuery":
        """Return the query of a user's events by timestamp."""
        query = self._database.collection(EVENTS, user_id).where(
            filter=FieldFilter("timestamp", ">", from_micros(after))
        )
        if until is not None:
            query = query.where(filter=FieldFilter("timestamp", "<=", from_micros(until)))
        return query.order_by("timestamp").order_by("__name__").limit(_QUERY_PAGE_SIZE)

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


def _times(event: Event) -> tuple[int, int]:
    return to_micros(event.timestamp), to_micros(event.expiry)


def _cursor(last: Document) -> dict[str, Any]:
    """Return the cursor after which the next page begins."""
    return {"timestamp": last.fields["timestamp"], "__name__": last.reference}
