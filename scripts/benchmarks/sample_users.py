"""Sample users, written to the database directly. The API would hash a password for each."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from shared.store.database import Database
from shared.store.events import Events, NewEvent
from shared.store.follow_secrets import FollowSecrets
from shared.store.pictures import Pictures
from shared.store.profiles import ProfileContent, Profiles
from shared.store.users import PasswordHash, Users

FOLLOW_SECRET = "secret"  # noqa: S105 - of all sample users
_EVENT_BYTES = 2048


@dataclass(frozen=True)
class SampleUsers:
    """Creates users in a database."""

    database: Database

    async def create(self, picture: bytes | None = None) -> UUID:
        """Create a user, with a picture if one is given."""
        users = Users(self.database)
        # An empty hash: these users never sign in.
        user = await users.create(PasswordHash("", b""), datetime.now(UTC))
        if picture is not None:
            profiles = Profiles(self.database, users, Pictures(self.database))
            account = await users.get_account(user.id)
            profile = ProfileContent(None, picture, None, b"", b"")
            await profiles.replace(account, profile, datetime.now(UTC))
        return user.id

    async def create_author(self, event_count: int) -> UUID:
        """Create a user with FOLLOW_SECRET who has published `event_count` events."""
        user_id = await self.create()
        users = Users(self.database, with_events=True)
        author = await users.get_account(user_id)
        now = datetime.now(UTC)
        await FollowSecrets(self.database, users).put(author, FOLLOW_SECRET, now)
        expiry = now + timedelta(days=1)
        content = b"x" * _EVENT_BYTES, b"i" * 16
        new_events = [NewEvent(uuid4(), *content, expiry) for _ in range(event_count)]
        await Events(self.database, users).put(author, new_events, now)
        return user_id
