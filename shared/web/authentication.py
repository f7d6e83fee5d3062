"""Sign-in with a user id and a password in the body."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.auth.credentials import Credentials
from shared.errors import LiftLogError, NotAuthenticated, NotFound, Overloaded
from shared.schemas.sign_in import SignInRequest
from shared.schemas.wire import Request

# Types only: services without passwords do not load cryptography.
if TYPE_CHECKING:
    from shared.auth.sign_in import SignIn
    from shared.store.users import Account


@dataclass(frozen=True)
class PasswordAuth:
    """Sign-in with the user id and password in the body, after the body is validated."""

    sign_in: "SignIn"
    hides_unknown_users: bool = False
    """Whether an unknown user is answered like a wrong password: 401 instead of 404."""

    @property
    def refuses(self) -> Sequence[type[LiftLogError]]:
        """The errors of `account`, except outages."""
        unknown_user = () if self.hides_unknown_users else (NotFound,)
        return (*unknown_user, NotAuthenticated, Overloaded)

    async def account(self, credentials: Credentials) -> "Account":
        """Return the account of a user; one round trip.

        Raises:
            NotFound: the user does not exist; with `hides_unknown_users`, NotAuthenticated.
            NotAuthenticated: the password is wrong.
            Overloaded: too many passwords wait to be hashed.
        """
        try:
            return await self.sign_in.account(credentials)
        except NotFound:
            if not self.hides_unknown_users:
                raise
            raise NotAuthenticated("no such user or wrong password") from None


def credentials(request: Request) -> Credentials:
    """Return the credentials in the body of a request.

    Raises:
        TypeError: the route is declared with `PasswordAuth`, but its body has no credentials.
    """
    if not isinstance(request, SignInRequest):
        raise TypeError(f"{type(request).__name__} has no credentials")
    return Credentials(request.user_id, request.password)
