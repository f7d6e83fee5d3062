"""Events: what a user has published, and the note of it in the user's document."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Self
from uuid import UUID

from shared.errors import NotFound
from shared.store.data_model import EVENTS, NEWS_FIELDS, user_document
from shared.store.database import Database
from shared.store.documents import Document
from shared.store.optimistic_update import compare_and_set
from shared.store.recent_events import RecentEvent, RecentEvents, next_timestamp
from shared.store.users import ACCOUNT_FIELDS, Account
from shared.timestamps import start_of

if TYPE_CHECKING:
    from google.cloud.firestore_v1.async_document import AsyncDocumentReference


@dataclass(frozen=True)
class NewEvent:
    """An event as its author sends it."""

    event_id: UUID
    encrypted_event_payload: bytes
    encrypted_event_iv: bytes
    expiry: datetime

    @property
    def size_bytes(self) -> int:
        """The size of payload and IV together."""
        return len(self.encrypted_event_payload) + len(self.encrypted_event_iv)


@dataclass(frozen=True)
class Event:
    """A published event."""

    user_id: UUID
    event_id: UUID
    timestamp: datetime
    encrypted_event_payload: bytes
    encrypted_event_iv: bytes
    expiry: datetime

    @classmethod
    def of(cls, user_id: UUID, document: Document) -> Self:
        """Read an event of `user_id` from its document."""
        fields = document.fields
        return cls(
            user_id=user_id,
            event_id=UUID(document.id),
            timestamp=fields["timestamp"],
            encrypted_event_payload=fields["encrypted_payload"],
            encrypted_event_iv=fields["encrypted_iv"],
            expiry=fields["expiry"],
        )


@dataclass(frozen=True)
class News:
    """What a user's document says of their events."""

    recent: RecentEvents
    last_event_at: datetime | None

    @classmethod
    def of(cls, fields: dict[str, Any]) -> Self:
        """Read the note from the fields of a user's document read with `NEWS_FIELDS`."""
        packed = fields.get("recent_events") or b""
        recent = RecentEvents.unpack(
            packed, fields.get("recent_events_since"), fields.get("older_events_until")
        )
        return cls(recent, fields.get("last_event_at"))


@dataclass(frozen=True)
class Author(Account):
    """An account together with the note of its events, so that a put needs one read."""

    news: News


class Events:
    """The events of all users."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find_author(self, user_id: UUID) -> Author | None:
        """Return the user as an author, or None when there is none; one round trip."""
        where = user_document(self._database.client, user_id)
        document = await self._database.read_one(where, {*ACCOUNT_FIELDS, *NEWS_FIELDS})
        if document is None:
            return None
        return Author(**Author.arguments(document), news=News.of(document.fields))

    async def put(self, author: Author, events: Sequence[NewEvent], now: datetime) -> None:
        """Publish `events` in their order; one commit.

        Each replaces the author's event of the same id. The events and the note of them in the
        author's document become visible together, and each gets a later timestamp than the one
        before. If another process writes the author's document meanwhile, the put is repeated.

        Raises:
            NotFound: the author was deleted in the meantime.
        """
        await compare_and_set(
            author,
            lambda seen: self._put(seen, events, now),
            lambda: self._get_author(author.id),
        )

    def document(self, user_id: UUID, event_id: UUID) -> "AsyncDocumentReference":
        """Return where the event lies."""
        return EVENTS.of(self._database.client, user_id).document(str(event_id))

    async def _get_author(self, user_id: UUID) -> Author:
        author = await self.find_author(user_id)
        if author is None:
            raise NotFound("no such user")
        return author

    async def _put(self, author: Author, events: Sequence[NewEvent], now: datetime) -> None:
        client = self._database.client
        batch = client.batch()
        recent, timestamp = author.news.recent, author.news.last_event_at
        for event in events:
            timestamp = next_timestamp(timestamp, now)
            entry = RecentEvent(event.event_id, timestamp, event.expiry, event.size_bytes)
            recent = recent.with_event(entry, now)
            batch.set(
                self.document(author.id, event.event_id),
                {
                    "timestamp": timestamp,
                    "encrypted_payload": event.encrypted_event_payload,
                    "encrypted_iv": event.encrypted_event_iv,
                    "expiry": event.expiry,
                },
            )
        batch.update(
            user_document(client, author.id),
            {
                "recent_events": recent.pack(),
                "recent_events_since": recent.complete_since,
                "older_events_until": recent.older_until,
                "last_event_at": timestamp,
                "last_accessed": start_of(now.date()),
            },
            option=client.write_option(last_update_time=author.version),
        )
        await self._database.commit(batch)
