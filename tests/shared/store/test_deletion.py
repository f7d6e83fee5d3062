"""Deleting accounts of any size, and those whose deletion was interrupted."""

import asyncio
from collections.abc import AsyncGenerator
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest
from google.cloud.firestore_v1.async_document import AsyncDocumentReference

from scripts.local.round_trips import RoundTrips
from shared.errors import DependencyUnavailable, NotFound
from shared.store.data_model import DELETIONS, EVENTS, FOLLOW_SECRETS, INBOX, user_document
from shared.store.database import Database
from shared.store.deleted_users import Leftovers
from shared.store.deletion import Deletion
from shared.store.events import Events
from shared.store.feed import Feeds, Followed
from shared.store.follow_secrets import FollowSecrets, follow_secret_document
from shared.store.inbox import Inbox
from shared.store.pictures import Pictures
from shared.store.profiles import Profiles
from shared.store.settings import DatabaseSettings, InboxSettings
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


def deletion_on(database: Database) -> Deletion:
    return Deletion(database, Leftovers(database))


async def account_with_documents(database: Database, count: int) -> Account:
    users = Users(database)
    user = await users.create(PasswordHash("", b""), NOW)
    for collection in (EVENTS, FOLLOW_SECRETS):
        batch = database.client.batch()
        for _ in range(count):
            batch.set(collection.of(database.client, user.id).document(str(uuid4())), {"a": 1})
        await database.commit(batch)
    return await users.get_account(user.id)


def note_of(database: Database, user_id: UUID) -> AsyncDocumentReference:
    return DELETIONS.of(database.client).document(str(user_id))


async def documents_left(database: Database, user_id: UUID) -> int:
    events = await EVENTS.of(database.client, user_id).get()
    secrets = await FOLLOW_SECRETS.of(database.client, user_id).get()
    return len(events) + len(secrets)


async def test_any_number_of_documents_is_deleted_in_pages_of_100() -> None:
    trips = RoundTrips()
    database = Database(DatabaseSettings(), trips.interceptors)
    account = await account_with_documents(database, 250)
    with trips.counted() as calls:
        await deletion_on(database).delete(account, NOW)
    assert await documents_left(database, account.id) == 0
    # The user and the note, three pages of events and of secrets, the note.
    assert calls.count("Commit") == 1 + 3 + 3 + 1
    # The same pages, and one look each into the inbox, the picture and the shared items.
    assert calls.count("RunQuery") == 3 + 3 + 3


@pytest.mark.parametrize("commits", [1, 2, 4])
async def test_a_deletion_that_is_cut_off_shows_nothing_and_is_finished_by_the_cleanup(
    database: Database, commits: int
) -> None:
    account = await account_with_documents(database, 650)
    users = Users(database)
    interrupted = Interrupted(DatabaseSettings())
    interrupted.commits_left = commits
    await deletion_on(interrupted).delete(account, NOW)

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

    assert await documents_left(database, account.id) > 0
    async for _ in Leftovers(database).purge(NOW):
        pass
    assert await documents_left(database, account.id) == 0
    assert not (await user_document(database.client, account.id).get()).exists
    assert not (await note_of(database, account.id).get()).exists


async def test_a_deletion_that_could_not_remove_everything_keeps_its_note(
    database: Database,
) -> None:
    account = await account_with_documents(database, 650)
    interrupted = Interrupted(DatabaseSettings())
    interrupted.commits_left, interrupted.for_one_commit = 2, True
    await deletion_on(interrupted).delete(account, NOW)
    assert (await note_of(database, account.id).get()).to_dict() == {"deleted_at": NOW}


async def test_a_deletion_that_cannot_even_begin_deletes_nothing(database: Database) -> None:
    account = await account_with_documents(database, 1)
    interrupted = Interrupted(DatabaseSettings())
    interrupted.commits_left = 0
    with pytest.raises(DependencyUnavailable):
        await deletion_on(interrupted).delete(account, NOW)
    assert await Users(database).find_account(account.id) is not None
    assert await documents_left(database, account.id) == 2


async def test_no_message_comes_into_the_inbox_of_a_user_who_is_gone(database: Database) -> None:
    account = await account_with_documents(database, 0)
    inbox = Inbox(database, Users(database), InboxSettings())
    await deletion_on(database).delete(account, NOW)
    with pytest.raises(NotFound):
        await inbox.put(account.id, [b"too late"], NOW)
    assert await INBOX.of(database.client, account.id).get() == []


async def test_a_message_leaves_its_receivers_document_as_it_was(database: Database) -> None:
    account = await account_with_documents(database, 0)
    await Inbox(database, Users(database), InboxSettings()).put(account.id, [b"message"], NOW)
    assert await Users(database).get_account(account.id) == account


class Broken(Leftovers):
    """Has a bug."""

    async def remove(self, user_id: str) -> AsyncGenerator[int, None]:
        """Fail."""
        if user_id:
            raise LookupError(user_id)
        yield 0


async def test_whatever_becomes_of_the_rest_the_account_is_deleted(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    account = await account_with_documents(database, 1)
    await Deletion(database, Broken(database)).delete(account, NOW)
    assert await Users(database).find_account(account.id) is None
    assert (await note_of(database, account.id).get()).exists
    assert [record.levelname for record in caplog.records if record.exc_info] == ["ERROR"]


class Endless(Leftovers):
    """Never ends."""

    async def remove(self, user_id: str) -> AsyncGenerator[int, None]:  # noqa: ARG002
        """Remove nothing."""
        await asyncio.Event().wait()
        yield 0


async def test_deletion_keeps_its_note_at_the_time_limit(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    account = await account_with_documents(database, 1)
    await Deletion(database, Endless(database), remove_s=0.01).delete(account, NOW)
    assert await Users(database).find_account(account.id) is None
    assert (await note_of(database, account.id).get()).exists
    assert "something is left of a deleted account" in caplog.text


async def test_deleting_at_the_same_time_brings_nothing_back(database: Database) -> None:
    account = await account_with_documents(database, 3)
    await deletion_on(database).delete(account, NOW)
    await deletion_on(database).delete(account, NOW)
    assert not (await user_document(database.client, account.id).get()).exists


async def test_a_shared_item_of_a_user_deleted_meanwhile_is_not_created(
    database: Database,
) -> None:
    account = await account_with_documents(database, 0)
    await deletion_on(database).delete(account, NOW)
    with pytest.raises(NotFound):
        await SharedItems(database, Users(database)).create(
            account, NewSharedItem(b"", b"", NOW), NOW
        )
