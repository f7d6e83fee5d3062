"""Shared items whose owner is deleted, and whose creation is repeated."""

from datetime import UTC, datetime, timedelta

import pytest
from google.cloud.firestore_v1.base_query import FieldFilter

from shared.errors import NotFound
from shared.store.data_model import SHARED_ITEMS
from shared.store.database import Database
from shared.store.deleted_users import DeletedUsers
from shared.store.deletion import Deletion
from shared.store.settings import DatabaseSettings
from shared.store.shared_items import NewSharedItem, SharedItems
from shared.store.users import Account, PasswordHash, Users
from tests.shared.store.faulty_databases import LostResponse

NOW = datetime.now(UTC)
ITEM = NewSharedItem(b"payload", b"i" * 16, NOW + timedelta(days=1))


async def new_account(database: Database) -> Account:
    users = Users(database)
    return await users.get_account((await users.create(PasswordHash("", b""), NOW)).id)


async def test_item_keeps_its_id_when_a_response_is_lost(
    database: Database, settings: DatabaseSettings
) -> None:
    owner = await new_account(database)
    lossy = LostResponse(settings)
    item_id = await SharedItems(lossy, Users(lossy)).create(owner, ITEM, NOW)
    assert lossy.attempts == 2
    of_owner = database.collection(SHARED_ITEMS).where(
        filter=FieldFilter("user_id", "==", str(owner.id))
    )
    assert [each.id for each in await database.query(of_owner)] == [item_id]


async def test_item_of_a_deleted_owner_is_not_created(database: Database) -> None:
    owner = await new_account(database)
    await Deletion(database, DeletedUsers(database)).delete(owner, NOW)
    with pytest.raises(NotFound):
        await SharedItems(database, Users(database)).create(owner, ITEM, NOW)
