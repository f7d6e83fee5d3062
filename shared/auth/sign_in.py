"""Sign-in with a user id and a password."""

from shared.auth.credentials import Credentials
from shared.auth.passwords import Passwords
from shared.errors import NotAuthenticated, NotFound
from shared.store.users import Account, Users


class SignIn:
    """Reads a user's account and verifies the password."""

    def __init__(self, users: Users, passwords: Passwords) -> None:
        self._users = users
        self._passwords = passwords

    async def account(self, credentials: Credentials) -> Account:
        """Return the user's account, read during this call; one round trip.

        Raises:
            NotFound: the user does not exist.
            NotAuthenticated: the password is wrong.
            Overloaded: too many passwords wait to be hashed.
        """
        # Read each time, never cached: a deleted user or a changed password takes effect at once.
        account = await self._users.find_account(credentials.user_id)
        if account is None:
            raise NotFound("no such user")
        if not await self._passwords.verify(credentials.password, account.password):
            raise NotAuthenticated("wrong password")
        return account
