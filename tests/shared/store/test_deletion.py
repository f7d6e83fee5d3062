"""The deletion of accounts of any size, and of accounts whose deletion was interrupted."""

import asyncio
from collections.abc import AsyncGenerator
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest
from google.cloud.firestore_v1.async_document import AsyncDocumentReference

from scripts.local.round_trips import RoundTrips
from shared.errors import DependencyUnavailable, NotFound
from shared.store.data_model import DELETIONS, EVENTS, FOLLOW_SECRETS, INBOX, SHARED_ITEMS, USERS
from shared.store.database import Database
from shared.store.deleted_users import DeletedUsers
from shared.store.deletion import Deletion
from shared.store.events import Events
from shared.store.feed import Feeds, Followed
from shared.store.follow_secrets import FollowSecrets, follow_secret_document
from shared.store.inbox import Inbox
from shared.store.pictures import Pictures
from shared.store.profiles import Profiles
from shared.store.settings import DatabaseSettings, InboxSettings
from shared.store.users import Account, PasswordHash, Users
from tests.shared.store.faulty_databases import FailingCommits
from tests.stored_documents import documents_in, exists, find_fields, put

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def deletion_on(database: Database) -> Deletion:
    return Deletion(database, DeletedUsers(database))


async def account_with_documents(database: Database, count: int) -> Account:
    users = Users(database)
    user = await users.create(PasswordHash("", b""), NOW)
    for collection in (EVENTS, FOLLOW_SECRETS):
        batch = database.batch()
        for _ in range(count):
            batch.set(database.document(collection, uuid4(), user_id=user.id), {"a": 1})
        await database.commit(batch)
    return await users.get_account(user.id)


def deletion_document(database: Database, user_id: UUID) -> AsyncDocumentReference:
    return database.document(DELETIONS, user_id)


async def count_documents(database: Database, user_id: UUID) -> int:
    events = await documents_in(database, database.collection(EVENTS, user_id))
    secrets = await documents_in(database, database.collection(FOLLOW_SECRETS, user_id))
    return len(events) + len(secrets)


async def test_documents_are_deleted_in_pages_of_100(settings: DatabaseSettings) -> None:
    trips = RoundTrips()
    database = Database(settings, trips.open_engine)
    account = await account_with_documents(database, 250)
    with trips.counted() as calls:
        await deletion_on(database).delete(account, NOW)
    assert await count_documents(database, account.id) == 0
    # The user, three pages of events, three of secrets, and the document in `deletions`.
    assert calls.count("Commit") == 1 + 3 + 3 + 1
    # The same pages, and one query each of the inbox, the picture and the shared items.
    assert calls.count("RunQuery") == 3 + 3 + 3


async def test_shared_items_are_deleted_in_pages_of_64(settings: DatabaseSettings) -> None:
    trips = RoundTrips()
    database = Database(settings, trips.open_engine)
    account = await account_with_documents(database, 1)
    for _ in range(3):
        batch = database.batch()
        for _ in range(25):
            item = {"user_id": str(account.id), "encrypted_payload": b"x" * 128 * 1024}
            batch.set(database.document(SHARED_ITEMS, uuid4().hex), item)
        await database.commit(batch)
    with trips.counted() as calls:
        await deletion_on(database).delete(account, NOW)
    assert trips.deleted == 2 + 2 + 75 + 1
    # The user, an event, a secret, two pages of shared items, and the document in `deletions`.
    assert calls.count("Commit") == 1 + 1 + 1 + 2 + 1


@pytest.mark.parametrize("commits", [1, 2, 4])
async def test_interrupted_deletion_hides_the_user(
    database: Database, commits: int, settings: DatabaseSettings
) -> None:
    account = await account_with_documents(database, 650)
    users = Users(database)
    await deletion_on(FailingCommits(settings, commits)).delete(account, NOW)
    assert await users.find_account(account.id) is None
    assert await users.find_public_key(account.id) is None
    profiles = Profiles(database, users, Pictures(database))
    assert [p async for p in profiles.find_all([account.id], NOW)] == []
    # A secret that the deletion has not reached yet.
    await put(database, follow_secret_document(database, account.id, "late"), {})
    with pytest.raises(NotFound):
        await FollowSecrets(database, users).put(account, "rejected", NOW)
    feeds = Feeds(database, Events(database, users))
    feed = await feeds.read([Followed(account.id, "late", NOW)], NOW)
    assert feed.invalid_follow_secrets == ["late"]
    assert [event async for event in feed.events] == []


@pytest.mark.parametrize("commits", [1, 2, 4])
async def test_cleanup_completes_an_interrupted_deletion(
    database: Database, commits: int, settings: DatabaseSettings
) -> None:
    account = await account_with_documents(database, 650)
    await deletion_on(FailingCommits(settings, commits)).delete(account, NOW)
    assert await count_documents(database, account.id) > 0
    async for _ in DeletedUsers(database).purge(NOW):
        pass
    assert await count_documents(database, account.id) == 0
    assert not await exists(database, database.document(USERS, account.id))
    assert not await exists(database, deletion_document(database, account.id))


async def test_incomplete_deletion_stays_recorded(
    database: Database, settings: DatabaseSettings
) -> None:
    account = await account_with_documents(database, 650)
    failing = FailingCommits(settings, 2, fails_once=True)
    await deletion_on(failing).delete(account, NOW)
    record = await find_fields(database, deletion_document(database, account.id))
    assert record == {"deleted_at": NOW}


async def test_deletion_that_cannot_begin_deletes_nothing(
    database: Database, settings: DatabaseSettings
) -> None:
    account = await account_with_documents(database, 1)
    with pytest.raises(DependencyUnavailable):
        await deletion_on(FailingCommits(settings, 0)).delete(account, NOW)
    assert await Users(database).find_account(account.id) is not None
    assert await count_documents(database, account.id) == 2


async def test_message_to_a_deleted_user_is_rejected(database: Database) -> None:
    account = await account_with_documents(database, 0)
    inbox = Inbox(database, Users(database), InboxSettings())
    await deletion_on(database).delete(account, NOW)
    with pytest.raises(NotFound):
        await inbox.put(account.id, [b"late"], NOW)
    assert await documents_in(database, database.collection(INBOX, account.id)) == []


class RaisingDeletedUsers(DeletedUsers):
    """Raises an error of our own code."""

    async def delete_documents(self, user_id: str) -> AsyncGenerator[int, None]:
        """Raise."""
        if user_id:
            raise LookupError(user_id)
        yield 0


async def test_account_is_deleted_even_if_its_documents_are_not(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    account = await account_with_documents(database, 1)
    await Deletion(database, RaisingDeletedUsers(database)).delete(account, NOW)
    assert await Users(database).find_account(account.id) is None
    assert await exists(database, deletion_document(database, account.id))
    assert [record.levelname for record in caplog.records if record.exc_info] == ["ERROR"]


class HangingDeletedUsers(DeletedUsers):
    """Never completes."""

    async def delete_documents(self, _user_id: str) -> AsyncGenerator[int, None]:
        """Hang."""
        await asyncio.Event().wait()
        yield 0


async def test_deletion_stays_recorded_at_the_time_limit(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    account = await account_with_documents(database, 1)
    hanging = HangingDeletedUsers(database)
    await Deletion(database, hanging, max_delete_s=0.01).delete(account, NOW)
    assert await Users(database).find_account(account.id) is None
    assert await exists(database, deletion_document(database, account.id))
    assert "documents of a deleted account remain" in caplog.text


async def test_second_deletion_of_an_account_is_harmless(database: Database) -> None:
    account = await account_with_documents(database, 3)
    await deletion_on(database).delete(account, NOW)
    await deletion_on(database).delete(account, NOW)
    assert not await exists(database, database.document(USERS, account.id))
