"""Users made by the store alone, without the cost of a password each."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from shared.store.database import Database
from shared.store.events import Events, NewEvent
from shared.store.follow_secrets import FollowSecrets
from shared.store.pictures import Pictures
from shared.store.profiles import ProfileContent, Profiles
from shared.store.users import PasswordHash, Users

SECRET = "secret"  # noqa: S105 - everyone's, here
_EVENT_BYTES = 2048


@dataclass(frozen=True)
class Seeds:
    """Makes users in one database."""

    database: Database

    async def user(self, picture: bytes | None = None) -> UUID:
        """Make a user, perhaps with a picture."""
        users = Users(self.database)
        user = await users.create(PasswordHash("", b""), datetime.now(UTC))
        if picture is not None:
            profiles = Profiles(self.database, users, Pictures(self.database))
            account = await users.get_account(user.id)
            profile = ProfileContent(None, picture, None, b"", b"")
            await profiles.replace(account, profile, datetime.now(UTC))
        return user.id

    async def author(self, events: int) -> UUID:
        """Make a user with a follow secret who has published so many events."""
        user_id = await self.user()
        users = Users(self.database)
        store = Events(self.database, users)
        now = datetime.now(UTC)
        author = await users.get_account(user_id)
        await FollowSecrets(self.database, users).put(author, SECRET, now)
        expiry = now + timedelta(days=1)
        content = b"x" * _EVENT_BYTES, b"i" * 16
        await store.put(author, [NewEvent(uuid4(), *content, expiry) for _ in range(events)], now)
        return user_id
