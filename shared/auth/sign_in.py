"""Signing in with a user id and a password."""

from collections.abc import Awaitable, Callable
from typing import Generic, NamedTuple, TypeVar
from uuid import UUID

from shared.auth.passwords import Passwords
from shared.errors import NotAuthenticated, NotFound
from shared.store.users import Account

AccountT = TypeVar("AccountT", bound=Account)


class Credentials(NamedTuple):
    """A user id and a password, as a caller presents them; not yet checked."""

    user_id: UUID
    password: str


class SignIn(Generic[AccountT]):
    """Finds a user and checks the password, in one call.

    `find` reads what the caller needs to know of the user, in one round trip, and returns None for
    a user who may not sign in.
    """

    def __init__(
        self, find: Callable[[UUID], Awaitable[AccountT | None]], passwords: Passwords
    ) -> None:
        self._find = find
        self._passwords = passwords

    async def account(self, user_id: UUID, password: str) -> AccountT:
        """Return the user's account, as `find` read it.

        Raises:
            NotFound: no such user.
            NotAuthenticated: another password.
        """
        account = await self._find(user_id)
        if account is None:
            raise NotFound("no such user")
        if not await self._passwords.verify(password, account.password):
            raise NotAuthenticated("wrong password")
        return account
