"""Shared items: encrypted plans that a link leads to, until they expire."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from shared.errors import NotFound
from shared.ids import is_short_id, new_short_id
from shared.store.data_model import SHARED_ITEMS
from shared.store.database import Database
from shared.store.optimistic_update import update_optimistically
from shared.store.preconditions import PreconditionFailed
from shared.store.users import Account, Users


@dataclass(frozen=True)
class NewSharedItem:
    """A shared item from a request."""

    encrypted_payload: bytes
    encryption_iv: bytes
    expiry: datetime


@dataclass(frozen=True)
class SharedItem:
    """A shared item, with the public key for its owner's signature."""

    encrypted_payload: bytes
    encryption_iv: bytes
    owner_rsa_public_key: bytes


class SharedItems:
    """The shared items by their ids."""

    def __init__(self, database: Database, users: Users) -> None:
        self._database = database
        self._users = users

    async def create(self, owner: Account, item: NewSharedItem, now: datetime) -> str:
        """Store `item` under a new id and return the id; one commit.

        Raises:
            NotFound: the owner was deleted in the meantime.
        """

        async def choose_another_id() -> str:
            # The precondition also fails for a deleted owner, for whom another id would not help.
            await self._users.get_account(owner.id)
            return new_short_id()

        return await update_optimistically(
            new_short_id(),
            lambda item_id: self._create(owner.id, item_id, item, now),
            choose_another_id,
        )

    async def get(self, item_id: str, now: datetime) -> SharedItem:
        """Return the item with its owner's current key; two round trips in sequence.

        Raises:
            NotFound: the item does not exist, it has expired, or its owner is deleted.
        """
        item = await self._find(item_id)
        if item is None or item["expiry"] <= now:
            raise NotFound("no such shared item")
        public_key = await self._users.find_public_key(UUID(item["user_id"]))
        if public_key is None:
            raise NotFound("no such shared item")
        return SharedItem(item["encrypted_payload"], item["encryption_iv"], public_key)

    async def _create(
        self, owner_id: UUID, item_id: str, item: NewSharedItem, now: datetime
    ) -> str:
        fields = {"user_id": str(owner_id), **asdict(item)}
        batch = self._database.batch()
        batch.create(self._database.document(SHARED_ITEMS, item_id), fields)
        self._users.note_access(batch, owner_id, now)
        try:
            await self._database.commit(batch)
        except PreconditionFailed:
            # If the response to the first attempt was lost, the retry finds the item of the first.
            if await self._find(item_id) != fields:
                raise
        return item_id

    async def _find(self, item_id: str) -> dict[str, Any] | None:
        # Another text would cost a read, and a slash in it would be a path to another document.
        if not is_short_id(item_id):
            return None
        document = await self._database.read_one(self._database.document(SHARED_ITEMS, item_id))
        return None if document is None else document.fields
