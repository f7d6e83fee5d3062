"""The deletion of documents that deleted users leave."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from functions.cleanup.sweep import sweep
from shared.errors import DependencyUnavailable
from shared.store.data_model import DELETIONS, FOLLOW_SECRETS
from shared.store.database import Database
from shared.store.deleted_users import DeletedUsers
from shared.store.settings import DatabaseSettings
from tests.stored_documents import all_documents, put

if TYPE_CHECKING:
    from google.cloud.firestore_v1.async_batch import AsyncWriteBatch

NOW = datetime(2026, 1, 1, tzinfo=UTC)


async def put_deleted_user(database: Database, user_id: str, count: int) -> None:
    """Write `count` documents of a user, and the user's document in `deletions`."""
    batch = database.batch()
    for number in range(count):
        secret = database.document(FOLLOW_SECRETS, str(number), user_id=user_id)
        batch.set(secret, {"created_at": NOW})
    batch.set(database.document(DELETIONS, user_id), {"deleted_at": NOW})
    await database.commit(batch)


async def remaining_paths(database: Database) -> set[str]:
    found = set()
    for collection in (DELETIONS, FOLLOW_SECRETS):
        found |= {d.reference.path for d in await all_documents(database, collection)}
    return found


class FailingForOneUser(Database):
    """A database that cannot delete documents below one user."""

    def __init__(self, settings: DatabaseSettings, user_id: str) -> None:
        super().__init__(settings)
        self._path = f"/users/{user_id}/"

    async def commit(self, batch: "AsyncWriteBatch", *, repeatable: bool = True) -> None:
        """Commit, or fail."""
        writes = batch._write_pbs  # noqa: SLF001 - the batch has no public list of its writes
        if any(self._path in write.delete for write in writes):
            raise DependencyUnavailable("the database", 5)
        await super().commit(batch, repeatable=repeatable)


@pytest.mark.parametrize("count", [0, 2, 3, 4, 7])
async def test_all_documents_are_deleted_in_pages(own_database: Database, count: int) -> None:
    await put_deleted_user(own_database, "user", count)
    deleted_users = DeletedUsers(own_database, page_size=3)
    pages = [number async for number in deleted_users.delete_documents("user")]
    assert sum(pages) == count
    assert max(pages) <= 3
    assert await remaining_paths(own_database) == set()


async def test_purge_continues_with_the_next_user_after_a_failure(
    own_settings: DatabaseSettings, own_database: Database
) -> None:
    for user_id in ("a", "b", "c", "d"):
        await put_deleted_user(own_database, user_id, 2)
    before = await remaining_paths(own_database)
    failing = FailingForOneUser(own_settings, "b")
    result = await sweep({"leftovers": DeletedUsers(failing, page_size=3).purge}, NOW, 60)
    assert result.failed == {"leftovers"}
    assert await remaining_paths(own_database) == {
        path for path in before if path.startswith(("users/b/", "deletions/b"))
    }


async def test_purge_ignores_the_fields_of_a_deletion(own_database: Database) -> None:
    await put_deleted_user(own_database, "user", 1)
    await put(own_database, own_database.document(DELETIONS, "user"), {})
    assert sum([count async for count in DeletedUsers(own_database).purge(NOW)]) == 1
    assert await remaining_paths(own_database) == set()
