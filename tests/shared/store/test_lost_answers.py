"""Commits that create something, and whose first answer is lost."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

from google.cloud.firestore_v1.base_query import FieldFilter

from shared.store.data_model import SHARED_ITEMS, USERS
from shared.store.database import Database
from shared.store.shared_items import NewSharedItem, SharedItems
from shared.store.users import PasswordHash, Users
from tests.shared.store.test_inbox import LostAnswer

NOW = datetime.now(UTC)
ITEM = NewSharedItem(b"payload", b"i" * 16, NOW + timedelta(days=1))


async def test_create_recognises_the_user_of_its_first_attempt(database: Database) -> None:
    losing = LostAnswer()
    password = PasswordHash(uuid4().hex, b"salt")
    user = await Users(losing).create(password, NOW)
    assert losing.attempts == 2
    with_password = USERS.of(database.client).where(
        filter=FieldFilter("password_hash", "==", password.key_hex)
    )
    assert [each.id for each in await with_password.get()] == [str(user.id)]


async def test_shared_item_keeps_the_id_of_its_first_attempt(database: Database) -> None:
    users = Users(database)
    owner = await users.get_account((await users.create(PasswordHash("", b""), NOW)).id)
    losing = LostAnswer()
    item_id = await SharedItems(losing, Users(losing)).create(owner, ITEM, NOW)
    assert losing.attempts == 2
    of_owner = SHARED_ITEMS.of(database.client).where(
        filter=FieldFilter("user_id", "==", str(owner.id))
    )
    assert [each.id for each in await of_owner.get()] == [item_id]
