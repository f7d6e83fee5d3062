"""Inboxes whose store fails at the wrong moment."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import grpc.aio
import pytest
from google.api_core.exceptions import ServiceUnavailable

from shared.errors import DependencyUnavailable
from shared.settings import InboxSettings, StoreSettings
from shared.store.client import Database
from shared.store.data_model import INBOX
from shared.store.inbox import Inbox
from shared.store.users import Account, PasswordHash, Users
from tests.shared.store.test_deletion import Interrupted


class LostAnswer(Database):
    """A store that carries commits out, and whose first answer is lost."""

    def __init__(self) -> None:
        self.attempts = 0
        super().__init__(StoreSettings(), [_Losing(self)])


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
    failing = Interrupted(StoreSettings())
    with pytest.raises(DependencyUnavailable):
        await inbox_on(failing).take_all(owner, NOW)
    assert len(await inbox_on(database).take_all(owner, NOW)) == 3


async def test_a_failure_on_a_later_page_hands_out_what_was_taken(database: Database) -> None:
    owner = await owner_of(database, 130)
    failing = Interrupted(StoreSettings())
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
        batch.set(document, {"encrypted_message": [b""], "received_at": NOW})
    await database.commit(batch)
    counts = [len(await inbox_on(database).take_all(owner, NOW)) for _ in range(3)]
    assert counts == [500, 20, 0]


async def test_a_message_expires_after_90_days(database: Database) -> None:
    owner = await owner_of(database, 1)
    [message] = await INBOX.of(database.client, owner.id).get()
    assert message.get("received_at") == NOW
    assert message.get("expires_at") == NOW + timedelta(days=90)
