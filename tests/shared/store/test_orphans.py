"""The deletion of orphans, in parts."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

import pytest

from shared.errors import DependencyUnavailable
from shared.store.data_model import (
    DELETIONS,
    EVENTS,
    FOLLOW_SECRETS,
    INBOX,
    LOOKUPS,
    PICTURE_PARTS,
    SCAN_POSITIONS,
    SHARED_ITEMS,
    USERS,
)
from shared.store.database import Database
from shared.store.deleted_users import DeletedUsers
from shared.store.engines.protocol import IdPage
from shared.store.orphans import OrphanedLookups, Orphans
from shared.store.settings import DatabaseSettings
from shared.store.users import PasswordHash, Users
from tests.shared.store.faulty_databases import FailingCommits
from tests.stored_documents import all_documents, exists, find_fields, put

if TYPE_CHECKING:
    from google.cloud.firestore_v1.async_collection import AsyncCollectionReference

NOW = datetime(2026, 1, 1, tzinfo=UTC)
BELOW_USERS = (EVENTS, FOLLOW_SECRETS, INBOX, PICTURE_PARTS)


async def put_documents_of(database: Database, user_id: UUID | str) -> None:
    batch = database.batch()
    for collection in BELOW_USERS:
        batch.set(database.document(collection, "1", user_id=user_id), {"a": 1})
    batch.set(database.document(SHARED_ITEMS, f"of-{user_id}"), {"user_id": str(user_id)})
    await database.commit(batch)


async def paths(database: Database) -> set[str]:
    found = set()
    for collection in (*BELOW_USERS, SHARED_ITEMS):
        found |= {d.reference.path for d in await all_documents(database, collection)}
    return found


async def purge(database: Database, page_size: int = 300) -> int:
    return sum([count async for count in Orphans(database, page_size).purge(NOW)])


async def test_orphans_are_deleted_and_other_documents_stay(
    own_database: Database,
) -> None:
    user_id = (await Users(own_database).create(PasswordHash("", b""), NOW)).id
    await put_documents_of(own_database, user_id)
    before = await paths(own_database)
    for _ in range(3):
        await put_documents_of(own_database, uuid4())
    assert await purge(own_database) == 3 * 5
    assert await paths(own_database) == before
    assert await purge(own_database) == 0


async def test_user_without_documents_below_stays(own_database: Database) -> None:
    user = await Users(own_database).create(PasswordHash("", b""), NOW)
    assert await purge(own_database) == 0
    assert await Users(own_database).find_account(user.id) is not None


async def test_scan_continues_in_the_next_purge(own_database: Database) -> None:
    for _ in range(5):
        await put_documents_of(own_database, uuid4())
    counts = [await purge(own_database, page_size=2) for _ in range(3)]
    assert counts == [10, 10, 5]
    position = own_database.document(SCAN_POSITIONS, "users")
    assert await find_fields(own_database, position) == {"place": ""}


async def test_scan_restarts_after_an_invalid_position(own_database: Database) -> None:
    await put(
        own_database, own_database.document(SCAN_POSITIONS, "users"), {"place": "no such token"}
    )
    await put_documents_of(own_database, uuid4())
    assert await purge(own_database) == 5


@pytest.mark.parametrize("user_id", ["no UUID", "8B73CB78-4643-4120-9436-A202E715E631"])
async def test_orphans_of_any_id_are_deleted(own_database: Database, user_id: str) -> None:
    await put_documents_of(own_database, user_id)
    assert await purge(own_database) == 5
    assert await paths(own_database) == set()


async def test_documents_of_a_deleted_account_are_not_orphans(
    own_database: Database,
) -> None:
    user_id = uuid4()
    await put_documents_of(own_database, user_id)
    await put(own_database, own_database.document(DELETIONS, str(user_id)), {"deleted_at": NOW})
    assert await purge(own_database) == 0
    assert sum([count async for count in DeletedUsers(own_database).purge(NOW)]) == 5
    assert await paths(own_database) == set()


async def test_interrupted_purge_is_repeated(
    own_settings: DatabaseSettings, own_database: Database
) -> None:
    for _ in range(3):
        await put_documents_of(own_database, uuid4())
    failing = FailingCommits(own_settings, 7)
    with pytest.raises(DependencyUnavailable):
        await purge(failing)
    assert not await exists(own_database, own_database.document(SCAN_POSITIONS, "users"))
    await purge(own_database)
    assert await paths(own_database) == set()


async def purge_lookups(database: Database, page_size: int = 300) -> int:
    return sum([count async for count in OrphanedLookups(database, page_size).purge(NOW)])


async def lookup_ids(database: Database) -> set[str]:
    return {d.id for d in await database.query(database.collection(LOOKUPS).select([]))}


async def test_orphaned_lookups_are_deleted_in_parts(own_database: Database) -> None:
    users = [await Users(own_database).create(PasswordHash("", b""), NOW) for _ in range(3)]
    for number in range(4):
        lookup = own_database.document(LOOKUPS, f"{number}")
        await put(own_database, lookup, {"user_id": str(uuid4())})
    counts = [await purge_lookups(own_database, page_size=3) for _ in range(3)]
    assert sum(counts) == 4
    assert await lookup_ids(own_database) == {user.lookup for user in users}
    # The scan has reached the end, and the next purge begins at the first lookup.
    position = own_database.document(SCAN_POSITIONS, "lookups")
    assert await find_fields(own_database, position) == {"place": ""}
    await put(own_database, own_database.document(LOOKUPS, "0"), {"user_id": str(uuid4())})
    assert await purge_lookups(own_database, page_size=3) == 1


class UsersCreatedAfterList(Database):
    """A database in which the missing users are created after their ids were listed."""

    async def list_ids(
        self, collection: "AsyncCollectionReference", page_size: int, page_token: str
    ) -> IdPage:
        """List the users, then create them."""
        page = await super().list_ids(collection, page_size, page_token)
        for missing in page.missing:
            await put(self, self.document(USERS, UUID(missing)), {"lookup": "l"})
        return page


async def test_user_created_during_the_purge_keeps_documents(
    own_settings: DatabaseSettings, own_database: Database
) -> None:
    await put_documents_of(own_database, uuid4())
    before = await paths(own_database)
    assert await purge(UsersCreatedAfterList(own_settings)) == 0
    assert await paths(own_database) == before
