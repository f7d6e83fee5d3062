"""Sign-in with a user id and a password."""

from collections.abc import Awaitable, Callable
from typing import Generic, NamedTuple, TypeVar
from uuid import UUID

from shared.auth.passwords import Passwords
from shared.errors import NotAuthenticated, NotFound
from shared.store.users import Account

AccountT_co = TypeVar("AccountT_co", bound=Account, covariant=True)


class Credentials(NamedTuple):
    """A user id and a password as a request contains them, not yet verified."""

    user_id: UUID
    password: str


class SignIn(Generic[AccountT_co]):
    """Reads a user's account and verifies the password.

    Args:
        find: reads the account in one round trip, with all fields that the handler needs. Returns
            None for an unknown user.
        passwords: verifies the password.
    """

    def __init__(
        self, find: Callable[[UUID], Awaitable[AccountT_co | None]], passwords: Passwords
    ) -> None:
        self._find = find
        self._passwords = passwords

    async def account(self, credentials: Credentials) -> AccountT_co:
        """Return the user's account, as read by `find` during this call.

        Raises:
            NotFound: the user does not exist.
            NotAuthenticated: the password is wrong.
        """
        # Read each time, never cached: a deleted user or a changed password takes effect at once.
        account = await self._find(credentials.user_id)
        if account is None:
            raise NotFound("no such user")
        if not await self._passwords.verify(credentials.password, account.password):
            raise NotAuthenticated("wrong password")
        return account
