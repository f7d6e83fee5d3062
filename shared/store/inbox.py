"""The inbox: any client may leave a message, and its receiver takes it exactly once."""

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
from shared.store.database import Database
from shared.store.documents import Document
from shared.store.optimistic_update import update_optimistically
from shared.store.preconditions import PreconditionFailed, if_exists
from shared.store.settings import InboxSettings
from shared.store.users import Account, Users

# A message has up to 20 KiB. A page of them fits into a commit and into a call's deadline.
_PAGE_SIZE = 100
_MAX_TAKEN_MESSAGES = 500


@dataclass(frozen=True)
class InboxMessage:
    """A message of up to 20 encrypted chunks."""

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
        self._group_commit = GroupCommit(self._put, lambda message: message.size_bytes)
        # Two calls of one owner would conflict on the same documents, so one process runs them in
        # sequence. Weak values: a lock without a holder or waiter takes no memory.
        self._taking: WeakValueDictionary[UUID, asyncio.Lock] = WeakValueDictionary()

    async def put(self, to_user_id: UUID, encrypted_message: list[bytes], now: datetime) -> None:
        """Leave a message. Messages to one user that arrive together take one commit.

        Raises:
            NotFound: no such user.
        """
        await self._group_commit.add(to_user_id, _NewMessage(encrypted_message, now))

    async def _put(self, to_user_id: UUID, messages: Sequence[_NewMessage]) -> Sequence[None]:
        batch = self._database.batch()
        self._users.require_existing(batch, to_user_id)
        for message in messages:
            # The id is chosen here: a repeated commit writes this document again, not a second one.
            batch.set(
                self._database.document(INBOX, uuid4(), user_id=to_user_id),
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
        """Remove and return the messages of `owner`, oldest first.

        Each message is returned to exactly one caller. A call removes up to 500 messages, which is
        10 MiB; the next call removes the rest. Expired messages are removed and not returned.

        A commit that has begun is completed even if the caller is cancelled. Before that, a
        cancelled call removes nothing.

        Cost: one query and one commit per 100 messages.

        Raises:
            DependencyUnavailable: nothing was removed, unless the response to a commit was lost.
                After a later failure, the call returns the messages that it has removed.
        """
        async with self._taking.setdefault(owner.id, asyncio.Lock()):
            first, _ = await asyncio.gather(
                self._take_page(owner.id),
                self._users.note_accessed({owner.id: owner.last_accessed}, now),
            )
            taken = page = first
            while len(page) == _PAGE_SIZE and len(taken) < _MAX_TAKEN_MESSAGES:
                try:
                    page = await self._take_page(owner.id)
                except DependencyUnavailable:
                    break  # The messages taken so far are no longer in the database: return them.
                taken = taken + page
        return [InboxMessage.of(each) for each in taken if each.fields["expires_at"] > now]

    async def _take_page(self, owner_id: UUID) -> list[Document]:
        return await update_optimistically(
            await self._oldest(owner_id), self._claim, lambda: self._oldest(owner_id)
        )

    async def _oldest(self, owner_id: UUID) -> list[Document]:
        inbox = self._database.collection(INBOX, owner_id)
        async with self._database.heavy_slot():
            return await self._database.query(inbox.order_by("received_at").limit(_PAGE_SIZE))

    async def _claim(self, page: list[Document]) -> list[Document]:
        """Delete all of `page`. The caller whose delete succeeds returns the messages."""
        if page:
            batch = self._database.batch()
            for document in page:
                batch.delete(document.reference, option=if_exists())
            # If a repeated commit fails, either its first attempt or another caller has deleted the
            # messages. They would be lost or returned twice, so there is no second attempt.
            await _finish(self._database.commit(batch, repeatable=False))
        return page


async def _finish(work: Coroutine[Any, Any, None]) -> None:
    """Complete `work` even if the caller is cancelled. Then cancel the caller."""
    task = asyncio.create_task(work)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise
