"""Requests with much data while all slots of the limiter are taken."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime

import pytest

from shared.errors import Overloaded
from shared.store.database import MAX_CONCURRENT_HEAVY_REQUESTS, Database
from shared.store.events import Events
from shared.store.feed import Feeds, Followed
from shared.store.inbox import Inbox
from shared.store.pictures import Pictures
from shared.store.profiles import ProfileContent, Profiles
from shared.store.settings import DatabaseSettings, InboxSettings
from shared.store.users import Account, PasswordHash, Users

NOW = datetime(2026, 1, 1, tzinfo=UTC)
PROFILE = ProfileContent(None, b"picture", None, b"", b"")


class BusyDatabase:
    """A database without a free slot until `taken` is closed, and a user of it."""

    def __init__(self, database: Database, account: Account, taken: AsyncExitStack) -> None:
        self.database = database
        self.account = account
        self.taken = taken
        self.users = Users(database)
        self.profiles = Profiles(database, self.users, Pictures(database))

    async def read_feed(self) -> None:
        followed = Followed(self.account.id, "secret", NOW)
        await Feeds(self.database, Events(self.database, self.users)).read([followed], NOW)

    async def read_profiles(self) -> None:
        assert [profile async for profile in self.profiles.find_all([self.account.id], NOW)]

    async def put_profile(self) -> None:
        await self.profiles.replace(self.account, PROFILE, NOW)

    async def take_messages(self) -> None:
        await Inbox(self.database, self.users, InboxSettings()).take_all(self.account, NOW)


@pytest.fixture
async def busy(settings: DatabaseSettings) -> AsyncIterator[BusyDatabase]:
    database = Database(settings.model_copy(update={"max_wait_s": 0.01}))
    users = Users(database)
    user = await users.create(PasswordHash("", b""), NOW)
    await Profiles(database, users, Pictures(database)).replace(
        await users.get_account(user.id), PROFILE, NOW
    )
    account = await users.get_account(user.id)
    async with AsyncExitStack() as taken:
        for _ in range(MAX_CONCURRENT_HEAVY_REQUESTS):
            await taken.enter_async_context(database.heavy_slot())
        yield BusyDatabase(database, account, taken)


@pytest.mark.parametrize(
    "request_of",
    [
        BusyDatabase.read_feed,
        BusyDatabase.read_profiles,
        BusyDatabase.put_profile,
        BusyDatabase.take_messages,
    ],
    ids=lambda method: method.__name__,
)
async def test_large_request_is_overloaded_without_a_slot(
    busy: BusyDatabase, request_of: Callable[[BusyDatabase], Awaitable[None]]
) -> None:
    with pytest.raises(Overloaded):
        await request_of(busy)
    await busy.taken.aclose()
    await request_of(busy)


async def test_small_request_needs_no_slot(busy: BusyDatabase) -> None:
    assert (await busy.users.get_account(busy.account.id)).id == busy.account.id


async def test_read_of_a_picture_waits_without_limit(busy: BusyDatabase) -> None:
    reading = asyncio.create_task(busy.profiles.get(busy.account.id, NOW))
    await asyncio.sleep(0.1)  # ten times the limit of the other requests
    assert not reading.done()
    await busy.taken.aclose()
    assert (await reading).encrypted_profile_picture == b"picture"
