"""Shared items: encrypted plans that lie behind a link until they expire."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from shared.errors import NotFound
from shared.ids import is_short_id, new_short_id
from shared.store.data_model import SHARED_ITEMS
from shared.store.database import Database, PreconditionFailed
from shared.store.optimistic_update import compare_and_set
from shared.store.users import Account, Users


@dataclass(frozen=True)
class NewSharedItem:
    """What is to be shared."""

    encrypted_payload: bytes
    encryption_iv: bytes
    expiry: datetime


@dataclass(frozen=True)
class SharedItem:
    """What is shared, and the key to check its owner's signature with."""

    encrypted_payload: bytes
    encryption_iv: bytes
    owner_rsa_public_key: bytes


class SharedItems:
    """The shared items by their ids."""

    def __init__(self, database: Database, users: Users) -> None:
        self._database = database
        self._users = users

    async def create(self, owner: Account, item: NewSharedItem, now: datetime) -> str:
        """Share `item` and return its fresh id; one commit.

        Raises:
            NotFound: the owner was deleted in the meantime.
        """

        async def choose_another_id() -> str:
            await self._users.get_account(owner.id)
            return new_short_id()

        return await compare_and_set(
            new_short_id(),
            lambda item_id: self._create(owner.id, item_id, item, now),
            choose_another_id,
        )

    async def get(self, item_id: str, now: datetime) -> SharedItem:
        """Return the item with its owner's current key; two round trips, one after the other.

        Raises:
            NotFound: no such item, it has expired, or its owner is gone.
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
        client = self._database.client
        fields = {"user_id": str(owner_id), **asdict(item)}
        batch = client.batch()
        batch.create(SHARED_ITEMS.of(client).document(item_id), fields)
        self._users.note_access(batch, owner_id, now)
        try:
            await self._database.commit(batch)
        except PreconditionFailed:
            # After a lost answer the repeated commit finds the item that its first attempt created.
            if await self._find(item_id) != fields:
                raise
        return item_id

    async def _find(self, item_id: str) -> dict[str, Any] | None:
        if not is_short_id(item_id):
            return None
        where = SHARED_ITEMS.of(self._database.client).document(item_id)
        document = await self._database.read_one(where)
        return None if document is None else document.fields
