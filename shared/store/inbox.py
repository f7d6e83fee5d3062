"""The inbox: messages from anyone, each handed to its receiver exactly once."""

import asyncio
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Self
from uuid import UUID, uuid4
from weakref import WeakValueDictionary

from shared.concurrency.group_commit import GroupCommit
from shared.errors import DependencyUnavailable, NotFound
from shared.store.data_model import INBOX
from shared.store.database import Database, PreconditionFailed
from shared.store.documents import Document
from shared.store.optimistic_update import compare_and_set
from shared.store.settings import InboxSettings
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


@dataclass(frozen=True)
class _NewMessage:
    encrypted_message: list[bytes]
    received_at: datetime

    @property
    def size_bytes(self) -> int:
        return sum(map(len, self.encrypted_message))


class Inbox:
    """The inboxes of all users."""

    def __init__(self, database: Database, users: Users, settings: InboxSettings) -> None:
        self._database = database
        self._users = users
        self._retention = timedelta(days=settings.retention_days)
        self._putting = GroupCommit(self._put, lambda message: message.size_bytes)
        self._collecting: WeakValueDictionary[UUID, asyncio.Lock] = WeakValueDictionary()

    async def put(self, to_user_id: UUID, encrypted_message: list[bytes], now: datetime) -> None:
        """Leave a message; one commit, also for messages to one user that arrive together.

        Raises:
            NotFound: no such user.
        """
        await self._putting.add(to_user_id, _NewMessage(encrypted_message, now))

    async def _put(self, to_user_id: UUID, messages: Sequence[_NewMessage]) -> Sequence[None]:
        client = self._database.client
        batch = client.batch()
        self._users.require_existing(batch, to_user_id)
        for message in messages:
            batch.set(
                INBOX.of(client, to_user_id).document(str(uuid4())),
                {
                    "encrypted_message": message.encrypted_message,
                    "received_at": message.received_at,
                    "expires_at": message.received_at + self._retention,
                },
            )
        try:
            await self._database.commit(batch)
        except PreconditionFailed:
            raise NotFound("no such user") from None
        return [None] * len(messages)

    async def take_all(self, owner: Account, now: datetime) -> list[InboxMessage]:
        """Remove and return the messages waiting for `owner`, oldest first.

        Each message reaches exactly one caller, also when several collect at once: those of one
        process one after the other. A call removes 500 messages at most, which is 10 MiB; the rest
        waits for the next one. Expired messages are removed, but not returned.

        A caller that is cancelled before a commit begins removes nothing with it; a commit that has
        begun is completed.

        Cost: one query and one commit per 100 messages.

        Raises:
            DependencyUnavailable: nothing was removed, except that a commit whose answer got lost
                may have been carried out. Later failures end the call early; the rest waits on.
        """
        async with self._collecting.setdefault(owner.id, asyncio.Lock()):
            first, _ = await asyncio.gather(
                self._take_page(owner.id),
                self._users.note_accessed({owner.id: owner.last_accessed}, now),
            )
            taken = page = first
            while len(page) == _PAGE and len(taken) < _MOST_AT_ONCE:
                try:
                    page = await self._take_page(owner.id)
                except DependencyUnavailable:
                    break  # The messages taken so far are stored nowhere else: return them.
                taken = taken + page
        return [InboxMessage.of(each) for each in taken if each.fields["expires_at"] > now]

    async def _take_page(self, owner_id: UUID) -> list[Document]:
        return await compare_and_set(
            await self._oldest(owner_id), self._claim, lambda: self._oldest(owner_id)
        )

    async def _oldest(self, owner_id: UUID) -> list[Document]:
        inbox = INBOX.of(self._database.client, owner_id)
        async with self._database.turn():
            return await self._database.query(inbox.order_by("received_at").limit(_PAGE))

    async def _claim(self, page: list[Document]) -> list[Document]:
        """Delete all of `page`; the messages belong to the caller that deletes them."""
        if page:
            client = self._database.client
            batch = client.batch()
            for document in page:
                batch.delete(document.reference, option=client.write_option(exists=True))
            await _finish(self._database.commit(batch, repeatable=False))
        return page


async def _finish(work: Coroutine[Any, Any, None]) -> None:
    """Complete `work` also if the caller is cancelled, which is cancelled afterwards."""
    task = asyncio.create_task(work)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise
