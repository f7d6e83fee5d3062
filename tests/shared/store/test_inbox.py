"""Inboxes: failures of the database, limits, expiry and cancellation."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

import pytest

from scripts.local.round_trips import RoundTrips
from shared.errors import DependencyUnavailable, NotFound
from shared.store.data_model import INBOX
from shared.store.database import Database
from shared.store.inbox import Inbox
from shared.store.settings import DatabaseSettings, InboxSettings
from shared.store.users import Account, PasswordHash, Users
from tests.shared.store.faulty_databases import FailingCommits, LostResponse
from tests.stored_documents import documents_in

if TYPE_CHECKING:
    from google.cloud.firestore_v1.async_batch import AsyncWriteBatch

NOW = datetime.now(UTC)
LATER = NOW + timedelta(days=90)


def inbox_on(database: Database) -> Inbox:
    return Inbox(database, Users(database), InboxSettings())


async def owner_with(database: Database, messages: int) -> Account:
    users = Users(database)
    user = await users.create(PasswordHash("", b""), NOW)
    for number in range(messages):
        await inbox_on(database).put(user.id, [b"hello"], NOW + timedelta(seconds=number))
    return await users.get_account(user.id)


async def test_failure_on_the_first_page_removes_nothing(
    database: Database, settings: DatabaseSettings
) -> None:
    owner = await owner_with(database, 3)
    failing = FailingCommits(settings, 0)
    with pytest.raises(DependencyUnavailable):
        await inbox_on(failing).take_all(owner, NOW)
    assert len(await inbox_on(database).take_all(owner, NOW)) == 3


async def test_failure_on_a_later_page_returns_the_first_pages(
    database: Database, settings: DatabaseSettings
) -> None:
    owner = await owner_with(database, 130)
    failing = FailingCommits(settings, 1)
    first = await inbox_on(failing).take_all(owner, NOW)
    rest = await inbox_on(database).take_all(owner, NOW)
    assert (len(first), len(rest)) == (100, 30)
    assert len({message.id for message in (*first, *rest)}) == 130


async def test_message_is_stored_once_when_a_response_is_lost(
    database: Database, settings: DatabaseSettings
) -> None:
    owner = await owner_with(database, 0)
    lossy = LostResponse(settings)
    await inbox_on(lossy).put(owner.id, [b"hello"], NOW)
    assert lossy.attempts == 2
    assert len(await inbox_on(database).take_all(owner, NOW)) == 1


async def test_uncertain_removal_is_an_error(
    database: Database, settings: DatabaseSettings
) -> None:
    owner = await owner_with(database, 3)
    lossy = LostResponse(settings)
    with pytest.raises(DependencyUnavailable):
        await inbox_on(lossy).take_all(owner, NOW)
    assert lossy.attempts == 1


async def test_one_call_returns_at_most_500_messages(database: Database) -> None:
    owner = await owner_with(database, 0)
    batch = database.batch()
    for number in range(520):
        document = database.document(INBOX, str(UUID(int=number)), user_id=owner.id)
        fields = {"encrypted_message": [b""], "received_at": NOW, "expires_at": LATER}
        batch.set(document, fields)
    await database.commit(batch)
    counts = [len(await inbox_on(database).take_all(owner, NOW)) for _ in range(3)]
    assert counts == [500, 20, 0]


async def test_message_leaves_the_users_document_unchanged(database: Database) -> None:
    owner = await owner_with(database, 0)
    await inbox_on(database).put(owner.id, [b"hello"], NOW)
    assert await Users(database).get_account(owner.id) == owner


async def test_message_expires_after_90_days(database: Database) -> None:
    owner = await owner_with(database, 1)
    [message] = await documents_in(database, database.collection(INBOX, owner.id))
    assert message.fields["received_at"] == NOW
    assert message.fields["expires_at"] == NOW + timedelta(days=90)


async def test_expired_messages_are_removed_but_not_returned(database: Database) -> None:
    owner = await owner_with(database, 2)
    expiry_of_the_first = NOW + timedelta(days=90)
    taken = await inbox_on(database).take_all(owner, expiry_of_the_first)
    assert len(taken) == 1
    assert await documents_in(database, database.collection(INBOX, owner.id)) == []


class BlockedCommits(Database):
    """A database whose commits wait for an event."""

    def __init__(self, settings: DatabaseSettings) -> None:
        super().__init__(settings)
        self.begun = asyncio.Event()
        self.released = asyncio.Event()

    async def commit(self, batch: "AsyncWriteBatch", *, repeatable: bool = True) -> None:
        self.begun.set()
        await self.released.wait()
        await super().commit(batch, repeatable=repeatable)


async def test_begun_commit_completes_when_the_caller_is_cancelled(
    database: Database, settings: DatabaseSettings
) -> None:
    owner = await owner_with(database, 3)
    blocked = BlockedCommits(settings)
    taking = asyncio.create_task(inbox_on(blocked).take_all(owner, NOW))
    await blocked.begun.wait()
    taking.cancel()
    blocked.released.set()
    with pytest.raises(asyncio.CancelledError):
        await taking
    assert await documents_in(database, database.collection(INBOX, owner.id)) == []


async def test_messages_put_together_take_one_commit(
    database: Database, settings: DatabaseSettings
) -> None:
    owner = await owner_with(database, 0)
    trips = RoundTrips()
    inbox = inbox_on(Database(settings, trips.open_engine))
    with trips.counted() as calls:
        await asyncio.gather(*(inbox.put(owner.id, [b"hello"], NOW) for _ in range(20)))
    assert calls == ["Commit"]
    assert len(await inbox_on(database).take_all(owner, NOW)) == 20


async def test_messages_put_together_to_unknown_user_are_rejected(
    database: Database,
) -> None:
    inbox, unknown_id = inbox_on(database), uuid4()
    puts = (inbox.put(unknown_id, [b"hello"], NOW) for _ in range(3))
    outcomes = await asyncio.gather(*puts, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [NotFound] * 3
