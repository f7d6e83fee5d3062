"""What is left of deleted accounts, in a database of one's own."""

from collections.abc import Iterator
from datetime import UTC, datetime
from uuid import uuid4

import pytest

from functions.cleanup.sweep import sweep
from shared.errors import DependencyUnavailable
from shared.store.data_model import DELETIONS, FOLLOW_SECRETS
from shared.store.database import Database
from shared.store.deleted_users import Leftovers
from shared.store.settings import DatabaseSettings

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def own() -> Database:
    """A database that nobody else writes to."""
    return Database(DatabaseSettings(project=f"leftovers-{uuid4()}"))


async def gone(database: Database, user_id: str, count: int) -> None:
    """Leave something of a user, and a note of it."""
    batch = database.client.batch()
    secrets = FOLLOW_SECRETS.of(database.client, user_id)
    for number in range(count):
        batch.set(secrets.document(str(number)), {"created_at": NOW})
    batch.set(DELETIONS.of(database.client).document(user_id), {"deleted_at": NOW})
    await database.commit(batch)


async def left(database: Database) -> set[str]:
    found = set()
    for collection in (DELETIONS, FOLLOW_SECRETS):
        everything = collection.everywhere(database.client).select([])
        found |= {d.reference.path for d in await database.query(everything)}
    return found


class Unlucky(Database):
    """A store that does not delete what is below one user."""

    def __init__(self, settings: DatabaseSettings, user_id: str) -> None:
        super().__init__(settings)
        self._user_id = user_id

    async def commit(self, batch, *, repeatable: bool = True) -> None:  # type: ignore[no-untyped-def] # noqa: ANN001
        """Commit, or fail."""
        if any(self._user_id in write.delete for write in written(batch)):
            raise DependencyUnavailable("the store", 5)
        await super().commit(batch, repeatable=repeatable)


def written(batch) -> Iterator:  # type: ignore[no-untyped-def, type-arg] # noqa: ANN001
    yield from batch._write_pbs  # noqa: SLF001 - what would be sent


@pytest.mark.parametrize("count", [0, 2, 3, 4, 7])
async def test_all_of_it_goes_in_pages(own: Database, count: int) -> None:
    await gone(own, "user", count)
    pages = [n async for n in Leftovers(own, page_size=3).remove("user")]
    assert sum(pages) == count
    assert max(pages) <= 3
    assert await left(own) == set()


async def test_one_that_cannot_be_removed_keeps_no_other_from_going(own: Database) -> None:
    for user_id in ("a", "b", "c", "d"):
        await gone(own, user_id, 2)
    before = await left(own)
    unlucky = Unlucky(DatabaseSettings(project=own.client.project), "/users/b/")
    purging = sweep({"leftovers": Leftovers(unlucky, page_size=3).purge}, NOW, 60)
    assert (await purging).failed == {"leftovers"}
    assert await left(own) == {p for p in before if p.startswith(("users/b/", "deletions/b"))}


async def test_a_note_is_followed_whatever_is_in_it(own: Database) -> None:
    await gone(own, "user", 1)
    await DELETIONS.of(own.client).document("user").set({})
    assert sum([count async for count in Leftovers(own).purge(NOW)]) == 1
    assert await left(own) == set()
