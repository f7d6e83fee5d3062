"""Events that users publish, and their summary in the user's document."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Self
from uuid import UUID

from shared.store.data_model import EVENTS, USERS
from shared.store.database import Database
from shared.store.documents import Document
from shared.store.optimistic_update import update_optimistically
from shared.store.preconditions import if_unchanged
from shared.store.recent_events import RecentEvent, next_timestamp
from shared.store.users import Account, Users
from shared.timestamps import start_of

if TYPE_CHECKING:
    from google.cloud.firestore_v1.async_document import AsyncDocumentReference


@dataclass(frozen=True)
class NewEvent:
    """An event from a request."""

    event_id: UUID
    encrypted_event_payload: bytes
    encrypted_event_iv: bytes
    expiry: datetime

    @property
    def size_bytes(self) -> int:
        """The size of payload and IV."""
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


class Events:
    """The events of all users. `put` needs `users` that were created `with_events`."""

    def __init__(self, database: Database, users: Users) -> None:
        self._database = database
        self._users = users

    async def put(self, author: Account, events: Sequence[NewEvent], now: datetime) -> None:
        """Publish `events` in their order; one commit.

        An event replaces the author's event with the same id. Each event gets a later timestamp
        than the one before it. If the author's document has changed, the account is read and the
        events are put again.

        Raises:
            NotFound: the author was deleted in the meantime.
        """
        await update_optimistically(
            author,
            lambda account: self._put(account, events, now),
            lambda: self._users.get_account(author.id),
        )

    def document(self, user_id: UUID, event_id: UUID) -> "AsyncDocumentReference":
        """Return the reference of an event's document."""
        return self._database.document(EVENTS, event_id, user_id=user_id)

    async def _put(self, author: Account, events: Sequence[NewEvent], now: datetime) -> None:
        batch = self._database.batch()
        summary = author.event_summary
        # Without the summary of the earlier events, the commit would hide them from feeds.
        assert summary is not None  # noqa: S101 - a bug in the wiring
        recent, timestamp = summary.recent(), summary.last_event_at
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
        # The summary is in the same commit. A reader that sees the summary can read the events.
        batch.update(
            self._database.document(USERS, author.id),
            {
                "recent_events": recent.pack(),
                "recent_events_since": recent.complete_since,
                "older_events_until": recent.older_until,
                "last_event_at": timestamp,
                "last_accessed": start_of(now.date()),
            },
            option=if_unchanged(author.version),
        )
        await self._database.commit(batch)
