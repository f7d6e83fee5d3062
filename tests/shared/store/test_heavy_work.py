"""Requests that move much data, while as many as may are under way."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime

import pytest

from shared.errors import Overloaded
from shared.store.database import Database
from shared.store.events import Events
from shared.store.feed import Feeds, Followed
from shared.store.inbox import Inbox
from shared.store.pictures import Pictures
from shared.store.profiles import ProfileContent, Profiles
from shared.store.settings import DatabaseSettings, InboxSettings
from shared.store.users import Account, PasswordHash, Users

NOW = datetime(2026, 1, 1, tzinfo=UTC)
PROFILE = ProfileContent(None, b"picture", None, b"", b"")


class Busy:
    """A store of which nobody gets a turn before `released`, and a user of it."""

    def __init__(self, database: Database, account: Account, released: AsyncExitStack) -> None:
        self.database = database
        self.account = account
        self.released = released
        self.users = Users(database)
        self.profiles = Profiles(database, self.users, Pictures(database))

    async def read_feed(self) -> None:
        followed = Followed(self.account.id, "secret", NOW)
        await Feeds(self.database, Events(self.database)).read([followed], NOW)

    async def read_profiles(self) -> None:
        assert [profile async for profile in self.profiles.find_all([self.account.id], NOW)]

    async def put_profile(self) -> None:
        await self.profiles.replace(self.account, PROFILE, NOW)

    async def take_messages(self) -> None:
        await Inbox(self.database, self.users, InboxSettings()).take_all(self.account, NOW)


@pytest.fixture
async def busy() -> AsyncIterator[Busy]:
    database = Database(DatabaseSettings(longest_wait_s=0.01))
    users = Users(database)
    user = await users.create(PasswordHash("", b""), NOW)
    await Profiles(database, users, Pictures(database)).replace(
        await users.get_account(user.id), PROFILE, NOW
    )
    account = await users.get_account(user.id)
    async with AsyncExitStack() as released:
        for _ in range(4):
            await released.enter_async_context(database.turn())
        yield Busy(database, account, released)


@pytest.mark.parametrize(
    "request_of",
    [Busy.read_feed, Busy.read_profiles, Busy.put_profile, Busy.take_messages],
    ids=lambda method: method.__name__,
)
async def test_a_heavy_request_is_told_to_come_again(
    busy: Busy, request_of: Callable[[Busy], Awaitable[None]]
) -> None:
    with pytest.raises(Overloaded):
        await request_of(busy)
    await busy.released.aclose()
    await request_of(busy)


async def test_a_light_request_is_served_at_once(busy: Busy) -> None:
    assert (await busy.users.get_account(busy.account.id)).id == busy.account.id


async def test_a_picture_waits_because_the_answer_may_have_begun(busy: Busy) -> None:
    reading = asyncio.create_task(busy.profiles.get(busy.account.id, NOW))
    await asyncio.sleep(0.1)
    assert not reading.done()
    await busy.released.aclose()
    assert (await reading).encrypted_profile_picture == b"picture"
