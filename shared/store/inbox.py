"""The inbox: messages from anyone, each handed to its receiver exactly once."""

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self
from uuid import UUID, uuid4

from shared.errors import DependencyUnavailable, NotFound
from shared.settings import InboxSettings
from shared.store.client import Database, PreconditionFailed
from shared.store.contention import compare_and_set
from shared.store.data_model import INBOX
from shared.store.documents import Document
from shared.store.users import Account, Users

_PAGE = 100
_MOST_AT_ONCE = 500


@dataclass(frozen=True)
class InboxMessage:
    """A message in up to 20 encrypted chunks."""

    id: UUID
    encrypted_message: list[bytes]

    @classmethod
    def of(cls, document: Document) -> Self:
        """Read a message from its document."""
        return cls(UUID(document.id), document.fields["encrypted_message"])


class Inbox:
    """The inboxes of all users."""

    def __init__(self, database: Database, users: Users, settings: InboxSettings) -> None:
        self._database = database
        self._users = users
        self._retention = timedelta(days=settings.retention_days)

    async def put(self, to_user_id: UUID, encrypted_message: list[bytes], now: datetime) -> None:
        """Leave a message; one commit.

        Raises:
            NotFound: no such user.
        """
        client = self._database.client
        batch = client.batch()
        self._users.require_existing(batch, to_user_id)
        batch.set(
            INBOX.of(client, to_user_id).document(str(uuid4())),
            {
                "encrypted_message": encrypted_message,
                "received_at": now,
                "expires_at": now + self._retention,
            },
        )
        try:
            await self._database.commit(batch)
        except PreconditionFailed:
            raise NotFound("no such user") from None

    async def take_all(self, owner: Account, now: datetime) -> list[InboxMessage]:
        """Remove and return the messages waiting for `owner`, oldest first.

        Each message reaches exactly one caller, also when several collect at once. A call returns
        500 messages at most, which is 10 MiB; what is over waits for the next one.

        Cost: one query and one commit per 100 messages.

        Raises:
            DependencyUnavailable: nothing was removed, except that a commit whose answer got lost
                may have been carried out. Later failures end the call early; the rest waits on.
        """
        first, _ = await asyncio.gather(
            self._take_page(owner.id),
            self._users.note_accessed({owner.id: owner.last_accessed}, now),
        )
        taken = page = first
        while len(page) == _PAGE and len(taken) < _MOST_AT_ONCE:
            try:
                page = await self._take_page(owner.id)
            except DependencyUnavailable:
                break  # What is taken already is nowhere else: it has to be handed out.
            taken = taken + page
        return taken

    async def _take_page(self, owner_id: UUID) -> list[InboxMessage]:
        return await compare_and_set(
            await self._oldest(owner_id), self._claim, lambda: self._oldest(owner_id)
        )

    async def _oldest(self, owner_id: UUID) -> list[Document]:
        inbox = INBOX.of(self._database.client, owner_id)
        async with self._database.turn():
            return await self._database.query(inbox.order_by("received_at").limit(_PAGE))

    async def _claim(self, page: list[Document]) -> list[InboxMessage]:
        """Delete all of `page`; whoever is the one to do so has the messages."""
        if page:
            client = self._database.client
            batch = client.batch()
            for document in page:
                batch.delete(document.reference, option=client.write_option(exists=True))
            await self._database.commit(batch, repeatable=False)
        return [InboxMessage.of(document) for document in page]
