"""Deleting accounts of any size, and those whose deletion was interrupted."""

from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest

from scripts.local.round_trips import RoundTrips
from shared.errors import DependencyUnavailable, NotFound
from shared.settings import StoreSettings
from shared.store.client import Database
from shared.store.data_model import EVENTS, FOLLOW_SECRETS, user_document
from shared.store.deletion import Deletion
from shared.store.events import Events
from shared.store.feed import Feeds, Followed
from shared.store.follow_secrets import FollowSecrets, follow_secret_document
from shared.store.pictures import Pictures
from shared.store.profiles import Profiles
from shared.store.shared_items import NewSharedItem, SharedItems
from shared.store.users import Account, PasswordHash, Users

NOW = datetime(2026, 1, 1, tzinfo=UTC)


class Interrupted(Database):
    """A store that goes down after so many commits, for good or for one commit."""

    commits_left = 0
    for_one_commit = False

    async def commit(self, batch, *, repeatable: bool = True) -> None:  # type: ignore[no-untyped-def] # noqa: ANN001
        """Commit, or fail."""
        self.commits_left -= 1
        if self.commits_left == -1 or (self.commits_left < 0 and not self.for_one_commit):
            raise DependencyUnavailable("the store", 5)
        await super().commit(batch, repeatable=repeatable)


async def account_with_documents(database: Database, count: int) -> Account:
    users = Users(database)
    user = await users.create(PasswordHash("", b""), NOW)
    for collection in (EVENTS, FOLLOW_SECRETS):
        batch = database.client.batch()
        for _ in range(count):
            batch.set(collection.of(database.client, user.id).document(str(uuid4())), {"a": 1})
        await database.commit(batch)
    return await users.get_account(user.id)


async def documents_left(database: Database, user_id: UUID) -> int:
    events = await EVENTS.of(database.client, user_id).get()
    secrets = await FOLLOW_SECRETS.of(database.client, user_id).get()
    return len(events) + len(secrets)


async def test_any_number_of_documents_is_deleted_in_pages_of_300() -> None:
    trips = RoundTrips()
    database = Database(StoreSettings(), trips.interceptors)
    account = await account_with_documents(database, 650)
    with trips.counted() as calls:
        await Deletion(database).delete(account, NOW)
    assert await documents_left(database, account.id) == 0
    # The mark, three pages of events and of secrets, the last commit.
    assert calls.count("Commit") == 1 + 3 + 3 + 1
    # The same pages, and one look each into the inbox, the picture and the shared items.
    assert calls.count("RunQuery") == 3 + 3 + 3


@pytest.mark.parametrize("commits", [1, 2, 4])
async def test_an_interrupted_deletion_shows_nothing_and_can_be_repeated(
    database: Database, commits: int
) -> None:
    account = await account_with_documents(database, 650)
    users = Users(database)
    interrupted = Interrupted(StoreSettings())
    interrupted.commits_left = commits
    with pytest.raises(DependencyUnavailable):
        await Deletion(interrupted).delete(account, NOW)

    assert await users.find_account(account.id) is None
    assert await users.find_public_key(account.id) is None
    profiles = Profiles(database, users, Pictures(database))
    assert [p async for p in profiles.find_all([account.id], NOW)] == []

    # Nobody can put a secret any more; this one is as if it had been overlooked.
    await follow_secret_document(database.client, account.id, "too late").set({})
    with pytest.raises(NotFound):
        await FollowSecrets(database, users).put(account, "refused", NOW)
    feeds = Feeds(database, Events(database))
    feed = await feeds.read([Followed(account.id, "too late", NOW)], NOW)
    assert feed.invalid_follow_secrets == ["too late"]
    assert [e async for e in feed.events] == []

    marked = await users.find_account_even_deleted(account.id)
    assert marked is not None
    assert marked.is_deleted
    assert marked.password == account.password
    await Deletion(database).delete(marked, NOW)
    assert await documents_left(database, account.id) == 0
    assert not (await user_document(database.client, account.id).get()).exists


async def test_a_deletion_that_could_not_remove_everything_is_not_finished(
    database: Database,
) -> None:
    account = await account_with_documents(database, 650)
    interrupted = Interrupted(StoreSettings())
    interrupted.commits_left, interrupted.for_one_commit = 2, True
    with pytest.raises(DependencyUnavailable):
        await Deletion(interrupted).delete(account, NOW)
    assert await Users(database).find_account_even_deleted(account.id) is not None


async def test_deleting_at_the_same_time_brings_nothing_back(database: Database) -> None:
    account = await account_with_documents(database, 3)
    await Deletion(database).delete(account, NOW)
    await Deletion(database).delete(account, NOW)
    assert not (await user_document(database.client, account.id).get()).exists


async def test_a_shared_item_of_a_user_deleted_meanwhile_is_not_created(
    database: Database,
) -> None:
    account = await account_with_documents(database, 0)
    await Deletion(database).delete(account, NOW)
    with pytest.raises(NotFound):
        await SharedItems(database, Users(database)).create(
            account, NewSharedItem(b"", b"", NOW), NOW
        )
