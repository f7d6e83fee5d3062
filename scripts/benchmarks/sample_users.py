"""Sample users, written to the database directly. The API would hash a password for each."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from shared.auth.passwords import derive
from shared.store.database import Database
from shared.store.events import Events, NewEvent
from shared.store.follow_secrets import FollowSecrets
from shared.store.pictures import Pictures
from shared.store.profiles import ProfileContent, Profiles
from shared.store.users import PasswordHash, Users

LIFETIME = timedelta(days=90)
"""The expiry of an event is this much later than its own time."""

FOLLOW_SECRET = "secret"  # noqa: S105 - of all sample users
PASSWORD = "password"  # noqa: S105 - of sample users that sign in
_NO_PASSWORD = PasswordHash("", b"")
EVENT_BYTES = 2048
"""The size of an event in most measurements."""

_MAX_EVENTS_PER_COMMIT = 400
_MAX_COMMIT_BYTES = 1024 * 1024
_CONCURRENT_AUTHORS = 40


def hash_password() -> PasswordHash:
    """Return a hash of PASSWORD. It takes as long as the hash of a request."""
    salt = b"s" * 64
    return PasswordHash(derive(PASSWORD, salt), salt)


@dataclass(frozen=True)
class SampleUsers:
    """Creates users in a database.

    Args:
        database: the database.
        password: the hash of their password. By default they cannot sign in.
        event_bytes: the size of the payload of an event.
    """

    database: Database
    password: PasswordHash = _NO_PASSWORD
    event_bytes: int = EVENT_BYTES

    async def create(self, picture: bytes | None = None) -> UUID:
        """Create a user, with a picture if one is given."""
        users = Users(self.database)
        user = await users.create(self.password, datetime.now(UTC))
        if picture is not None:
            await self._put_profile(user.id, ProfileContent(None, picture, None, b"", b""))
        return user.id

    async def put_plan(self, user_id: UUID, plan: bytes, picture: bytes | None = None) -> None:
        """Replace a user's profile by one with a plan, and a picture if one is given."""
        await self._put_profile(user_id, ProfileContent(plan, picture, None, b"", b""))

    async def _put_profile(self, user_id: UUID, profile: ProfileContent) -> None:
        users = Users(self.database)
        profiles = Profiles(self.database, users, Pictures(self.database))
        account = await users.get_account(user_id)
        await profiles.replace(account, profile, datetime.now(UTC))

    async def create_author(self, event_count: int) -> UUID:
        """Create a user with FOLLOW_SECRET who has published `event_count` events."""
        user_id = await self.create()
        users = Users(self.database, with_events=True)
        author = await users.get_account(user_id)
        now = datetime.now(UTC)
        await FollowSecrets(self.database, users).put(author, FOLLOW_SECRET, now)
        await self.publish(user_id, event_count)
        return user_id

    async def create_authors(self, count: int, event_count: int) -> list[UUID]:
        """Create authors, many at a time."""
        ids: list[UUID] = []
        while len(ids) < count:
            number = min(_CONCURRENT_AUTHORS, count - len(ids))
            ids += await asyncio.gather(*(self.create_author(event_count) for _ in range(number)))
        return ids

    async def publish(self, user_id: UUID, event_count: int) -> None:
        """Publish events of a user, in commits of up to 400 and about 1 MiB."""
        users = Users(self.database, with_events=True)
        events = Events(self.database, users)
        content = b"x" * self.event_bytes, b"i" * 16
        page = min(_MAX_EVENTS_PER_COMMIT, _MAX_COMMIT_BYTES // self.event_bytes)
        for start in range(0, event_count, page):
            author, now = await users.get_account(user_id), datetime.now(UTC)
            numbers = range(min(page, event_count - start))
            # As of an app that publishes one event per second.
            first = now + LIFETIME - timedelta(seconds=len(numbers))
            new_events = [
                NewEvent(uuid4(), *content, first + timedelta(seconds=number)) for number in numbers
            ]
            await events.put(author, new_events, now)

    async def publish_one_each(self, user_ids: Sequence[UUID]) -> datetime:
        """Publish one event of each user. Return a time after their older events."""
        before = datetime.now(UTC)
        await asyncio.gather(*(self.publish(user_id, 1) for user_id in user_ids))
        return before
