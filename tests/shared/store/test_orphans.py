"""Documents that belong to nobody, in a database of one's own."""

from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest

from shared.errors import DependencyUnavailable
from shared.store.data_model import (
    DELETIONS,
    EVENTS,
    FOLLOW_SECRETS,
    INBOX,
    LOOKUPS,
    PATROLS,
    PICTURE_PARTS,
    SHARED_ITEMS,
    user_document,
)
from shared.store.database import Database
from shared.store.deleted_users import Leftovers
from shared.store.orphans import OrphanedLookups, Orphans
from shared.store.settings import DatabaseSettings
from shared.store.users import PasswordHash, Users

NOW = datetime(2026, 1, 1, tzinfo=UTC)
BELOW = (EVENTS, FOLLOW_SECRETS, INBOX, PICTURE_PARTS)


@pytest.fixture
def own() -> Database:
    """A database that nobody else writes to."""
    return Database(DatabaseSettings(project=f"orphans-{uuid4()}"))


async def put_below(database: Database, user_id: UUID | str) -> None:
    batch = database.client.batch()
    for collection in BELOW:
        batch.set(collection.of(database.client, user_id).document("1"), {"a": 1})
    batch.set(SHARED_ITEMS.of(database.client).document(f"of{user_id}"), {"user_id": str(user_id)})
    await database.commit(batch)


async def paths(database: Database) -> set[str]:
    found = set()
    for collection in (*BELOW, SHARED_ITEMS):
        everything = collection.everywhere(database.client).select([])
        found |= {d.reference.path for d in await database.query(everything)}
    return found


async def purge(database: Database, page_size: int = 300) -> int:
    return sum([count async for count in Orphans(database, page_size).purge(NOW)])


async def test_what_belongs_to_nobody_goes_and_what_belongs_to_somebody_stays(
    own: Database,
) -> None:
    living = (await Users(own).create(PasswordHash("", b""), NOW)).id
    await put_below(own, living)
    before = await paths(own)
    for _ in range(3):
        await put_below(own, uuid4())
    assert await purge(own) == 3 * 5
    assert await paths(own) == before
    assert await purge(own) == 0


async def test_a_user_without_a_document_below_is_left_alone(own: Database) -> None:
    user = await Users(own).create(PasswordHash("", b""), NOW)
    assert await purge(own) == 0
    assert await Users(own).find_account(user.id) is not None


async def test_a_few_users_a_run_all_in_the_end(own: Database) -> None:
    for _ in range(5):
        await put_below(own, uuid4())
    counts = [await purge(own, page_size=2) for _ in range(3)]
    assert counts == [10, 10, 5]
    note = await PATROLS.of(own.client).document("users").get()
    assert note.to_dict() == {"place": ""}


async def test_a_place_that_firestore_has_forgotten_begins_anew(own: Database) -> None:
    await PATROLS.of(own.client).document("users").set({"place": "no such token"})
    await put_below(own, uuid4())
    assert await purge(own) == 5


@pytest.mark.parametrize("user_id", ["no UUID", "8B73CB78-4643-4120-9436-A202E715E631"])
async def test_whatever_the_id_was_nothing_stays(own: Database, user_id: str) -> None:
    await put_below(own, user_id)
    assert await purge(own) == 5
    assert await paths(own) == set()


async def test_what_is_left_of_a_deleted_account_is_not_counted_as_orphans_too(
    own: Database,
) -> None:
    user_id = uuid4()
    await put_below(own, user_id)
    await DELETIONS.of(own.client).document(str(user_id)).set({"deleted_at": NOW})
    assert await purge(own) == 0
    assert sum([count async for count in Leftovers(own).purge(NOW)]) == 5
    assert await paths(own) == set()


class Failing(Database):
    """A store that goes down after so many commits."""

    commits_left = 0

    async def commit(self, batch, *, repeatable: bool = True) -> None:  # type: ignore[no-untyped-def] # noqa: ANN001
        """Commit, or fail."""
        self.commits_left -= 1
        if self.commits_left < 0:
            raise DependencyUnavailable("the store", 5)
        await super().commit(batch, repeatable=repeatable)


async def test_a_walk_that_is_cut_off_is_repeated(own: Database) -> None:
    for _ in range(3):
        await put_below(own, uuid4())
    failing = Failing(DatabaseSettings(project=own.client.project))
    failing.commits_left = 7
    with pytest.raises(DependencyUnavailable):
        await purge(failing)
    assert not (await PATROLS.of(own.client).document("users").get()).exists
    await purge(own)
    assert await paths(own) == set()


async def purge_lookups(database: Database, page_size: int = 300) -> int:
    return sum([count async for count in OrphanedLookups(database, page_size).purge(NOW)])


async def lookups(database: Database) -> set[str]:
    return {d.id for d in await database.query(LOOKUPS.of(database.client).select([]))}


async def test_lookups_of_nobody_go_a_few_at_a_time_and_others_stay(own: Database) -> None:
    living = [await Users(own).create(PasswordHash("", b""), NOW) for _ in range(3)]
    for number in range(4):
        lookup = LOOKUPS.of(own.client).document(f"{number}")
        await lookup.set({"user_id": str(uuid4())})
    counts = [await purge_lookups(own, page_size=3) for _ in range(3)]
    assert sum(counts) == 4
    assert await lookups(own) == {user.lookup for user in living}
    # The end was reached, and it begins anew.
    assert (await PATROLS.of(own.client).document("lookups").get()).to_dict() == {"place": ""}
    await LOOKUPS.of(own.client).document("0").set({"user_id": str(uuid4())})
    assert await purge_lookups(own, page_size=3) == 1


class JustInTime(Database):
    """A store in which the missing user is written right after the list was read."""

    async def list_ids(self, collection, page_size: int, page_token: str):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN201
        """List the users, then write them."""
        page = await super().list_ids(collection, page_size, page_token)
        for missing in page.missing:
            await user_document(self.client, UUID(missing)).set({"lookup": "l"})
        return page


async def test_a_user_who_is_there_after_all_loses_nothing(own: Database) -> None:
    await put_below(own, uuid4())
    before = await paths(own)
    assert await purge(JustInTime(DatabaseSettings(project=own.client.project))) == 0
    assert await paths(own) == before
