"""Inboxes whose store fails at the wrong moment."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import grpc.aio
import pytest
from google.api_core.exceptions import ServiceUnavailable

from scripts.local.round_trips import RoundTrips
from shared.errors import DependencyUnavailable, NotFound
from shared.store.data_model import INBOX
from shared.store.database import Database
from shared.store.inbox import Inbox
from shared.store.settings import DatabaseSettings, InboxSettings
from shared.store.users import Account, PasswordHash, Users
from tests.shared.store.test_deletion import Interrupted


class LostAnswer(Database):
    """A store that carries commits out, and whose first answer is lost."""

    def __init__(self) -> None:
        self.attempts = 0
        super().__init__(DatabaseSettings(), [_Losing(self)])


class _Losing(grpc.aio.UnaryUnaryClientInterceptor):  # type: ignore[misc] # grpc is untyped
    def __init__(self, store: LostAnswer) -> None:
        self._store = store

    async def intercept_unary_unary(self, continuation: Any, details: Any, request: Any) -> Any:
        self._store.attempts += 1
        call = await continuation(details, request)
        if self._store.attempts == 1:
            await call
            raise ServiceUnavailable("the answer is lost")
        return call


NOW = datetime.now(UTC)
LATER = NOW + timedelta(days=90)


def inbox_on(database: Database) -> Inbox:
    return Inbox(database, Users(database), InboxSettings())


async def owner_of(database: Database, messages: int) -> Account:
    users = Users(database)
    user = await users.create(PasswordHash("", b""), NOW)
    for number in range(messages):
        await inbox_on(database).put(user.id, [b"hello"], NOW + timedelta(seconds=number))
    return await users.get_account(user.id)


async def test_a_failure_on_the_first_page_removes_nothing(database: Database) -> None:
    owner = await owner_of(database, 3)
    failing = Interrupted(DatabaseSettings())
    with pytest.raises(DependencyUnavailable):
        await inbox_on(failing).take_all(owner, NOW)
    assert len(await inbox_on(database).take_all(owner, NOW)) == 3


async def test_a_failure_on_a_later_page_hands_out_what_was_taken(database: Database) -> None:
    owner = await owner_of(database, 130)
    failing = Interrupted(DatabaseSettings())
    failing.commits_left = 1
    first = await inbox_on(failing).take_all(owner, NOW)
    rest = await inbox_on(database).take_all(owner, NOW)
    assert (len(first), len(rest)) == (100, 30)
    assert len({message.id for message in (*first, *rest)}) == 130


async def test_a_message_whose_receipt_got_lost_is_there_once(database: Database) -> None:
    owner = await owner_of(database, 0)
    losing = LostAnswer()
    await inbox_on(losing).put(owner.id, [b"hello"], NOW)
    assert losing.attempts == 2
    assert len(await inbox_on(database).take_all(owner, NOW)) == 1


async def test_messages_whose_removal_is_uncertain_are_not_said_to_be_none(
    database: Database,
) -> None:
    owner = await owner_of(database, 3)
    losing = LostAnswer()
    with pytest.raises(DependencyUnavailable):
        await inbox_on(losing).take_all(owner, NOW)
    assert losing.attempts == 1


async def test_a_call_hands_out_500_messages_at_most_however_small(database: Database) -> None:
    owner = await owner_of(database, 0)
    batch = database.client.batch()
    for number in range(520):
        document = INBOX.of(database.client, owner.id).document(str(UUID(int=number)))
        fields = {"encrypted_message": [b""], "received_at": NOW, "expires_at": LATER}
        batch.set(document, fields)
    await database.commit(batch)
    counts = [len(await inbox_on(database).take_all(owner, NOW)) for _ in range(3)]
    assert counts == [500, 20, 0]


async def test_a_message_expires_after_90_days(database: Database) -> None:
    owner = await owner_of(database, 1)
    [message] = await INBOX.of(database.client, owner.id).get()
    assert message.get("received_at") == NOW
    assert message.get("expires_at") == NOW + timedelta(days=90)


async def test_expired_messages_are_removed_but_not_returned(database: Database) -> None:
    owner = await owner_of(database, 2)
    at_expiry_of_the_first = NOW + timedelta(days=90)
    taken = await inbox_on(database).take_all(owner, at_expiry_of_the_first)
    assert len(taken) == 1
    assert await INBOX.of(database.client, owner.id).get() == []


class HeldCommits(Database):
    """A database whose commits wait until they are released."""

    def __init__(self) -> None:
        super().__init__(DatabaseSettings())
        self.begun = asyncio.Event()
        self.released = asyncio.Event()

    async def commit(self, batch: Any, *, repeatable: bool = True) -> None:
        self.begun.set()
        await self.released.wait()
        await super().commit(batch, repeatable=repeatable)


async def test_begun_commit_is_completed_when_caller_is_cancelled(
    database: Database,
) -> None:
    owner = await owner_of(database, 3)
    held = HeldCommits()
    taking = asyncio.create_task(inbox_on(held).take_all(owner, NOW))
    await held.begun.wait()
    taking.cancel()
    held.released.set()
    with pytest.raises(asyncio.CancelledError):
        await taking
    assert await INBOX.of(database.client, owner.id).get() == []


async def test_messages_put_together_are_one_commit(database: Database) -> None:
    owner = await owner_of(database, 0)
    trips = RoundTrips()
    inbox = inbox_on(Database(DatabaseSettings(), trips.interceptors))
    with trips.counted() as calls:
        await asyncio.gather(*(inbox.put(owner.id, [b"hello"], NOW) for _ in range(20)))
    assert calls == ["Commit"]
    assert len(await inbox_on(database).take_all(owner, NOW)) == 20


async def test_messages_put_together_to_unknown_user_are_refused(
    database: Database,
) -> None:
    inbox, nobody = inbox_on(database), uuid4()
    puts = (inbox.put(nobody, [b"hello"], NOW) for _ in range(3))
    outcomes = await asyncio.gather(*puts, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [NotFound] * 3
