"""Sign-in by a header, before the body is read: forward auth, API key or purchase token.

Source: contract, heading "Callers".
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from starlette.requests import HTTPConnection

from shared.auth.named_user import NamedUser
from shared.errors import DependencyUnavailable, LiftLogError, NotEntitled
from shared.purchases.authenticator import PurchaseAuthenticator, Subscriber
from shared.timestamps import now
from shared.web.purchase_token import presented_token

# Types only: services without such callers do not need the packages of secrets.
if TYPE_CHECKING:
    from shared.auth.api_keys import ApiKeys
    from shared.auth.forward_auth import ForwardAuth

Caller = Subscriber | NamedUser
"""The sender of a request that signs in by a header."""

_API_KEY_HEADER = "x-api-key"


@dataclass(frozen=True)
class UserAuth:
    """Sign-in of users whom the operator of the server names."""

    api_keys: "ApiKeys"
    forward_auth: "ForwardAuth"
    refuses: Sequence[type[LiftLogError]] = (NotEntitled,)

    async def caller(self, connection: HTTPConnection) -> NamedUser:
        """Return the user; the name of a trusted proxy wins over an API key.

        Raises:
            NotEntitled: no credentials, or no valid credentials.
            DependencyUnavailable: the API keys are unavailable.
        """
        user = self._forwarded(connection)
        if user is not None:
            return user
        key = _text(connection.headers.get(_API_KEY_HEADER))
        ticket = _ticket(connection)
        user = await self.api_keys.find(key) or await self.api_keys.find_by_ticket(ticket, now())
        if user is not None:
            return user
        if key is not None:
            raise NotEntitled("the API key is not valid")
        if any(self._names(connection)):
            raise NotEntitled("the user name is not the only one, or not from a trusted proxy")
        raise NotEntitled("credentials are required", was_presented=False)

    def _forwarded(self, connection: HTTPConnection) -> NamedUser | None:
        peer = connection.client.host if connection.client else None
        return self.forward_auth.find(peer, self._names(connection))

    def _names(self, connection: HTTPConnection) -> list[str]:
        """Return the values of the header of forward auth; empty if forward auth is off."""
        header = self.forward_auth.header
        values = connection.headers.getlist(header) if header else []
        return [_text(each) or "" for each in values]


@dataclass(frozen=True)
class CallerAuth:
    """Sign-in of users and of subscribers. Each valid method is enough, beside invalid ones."""

    users: UserAuth
    purchases: PurchaseAuthenticator
    refuses: Sequence[type[LiftLogError]] = (NotEntitled,)

    async def caller(self, connection: HTTPConnection) -> Caller:
        """Return the caller; a user wins over a purchase.

        Raises:
            NotEntitled: no credentials, or no valid credentials.
            DependencyUnavailable: no method is valid, and one could not be checked.
        """
        try:
            return await self.users.caller(connection)
        except (NotEntitled, DependencyUnavailable) as error:
            of_user = error
        try:
            return await self.purchases.subscriber(presented_token(connection), now())
        except NotEntitled as of_purchase:
            if isinstance(of_user, DependencyUnavailable):
                raise of_user from None
            # A wrong key explains more than a missing token.
            if of_user.was_presented and not of_purchase.was_presented:
                raise of_user from None
            raise


def _ticket(connection: HTTPConnection) -> str | None:
    """Return the id that a WebSocket presents, which can be a connection ticket."""
    return connection.query_params.get("id") if connection.scope["type"] == "websocket" else None


def _text(header: str | None) -> str | None:
    """Return the value of a header in UTF-8, which HTTP servers pass on as Latin-1."""
    if header is None:
        return None
    try:
        return header.encode("latin-1").decode()
    except UnicodeDecodeError:
        return header
