"""Access tokens for Google's APIs, of the service account of this process."""

import asyncio
from functools import partial
from typing import TYPE_CHECKING

import google.auth
from google.auth.exceptions import GoogleAuthError, TransportError
from google.auth.transport.requests import Request

from shared.concurrency.single_flight import SingleFlight

if TYPE_CHECKING:
    from google.auth.credentials import Credentials


class NoAccessTokenError(Exception):
    """There is no access token; `is_transient` if the token server was unavailable."""

    def __init__(self, reason: str, *, is_transient: bool) -> None:
        super().__init__(f"no access token: {reason}")
        self.is_transient = is_transient


class GoogleAccessToken:
    """The current access token for one scope.

    Args:
        scope: the URL of the scope.
        timeout_s: the timeout of a request for a new token.
    """

    def __init__(self, scope: str, timeout_s: float) -> None:
        self._scope = scope
        self._timeout_s = timeout_s
        self._credentials: Credentials | None = None
        self._signing_in = SingleFlight[str, str]()

    async def value(self) -> str:
        """Return a valid token. Costs one call an hour, shared by concurrent callers.

        Raises:
            NoAccessTokenError: no credentials, or no valid response from the token server.
        """
        if self._credentials is not None and self._credentials.valid:
            return str(self._credentials.token)
        try:
            async with asyncio.timeout(self._timeout_s):
                # In a thread: google-auth's transport blocks.
                return await self._signing_in.do(
                    self._scope, lambda: asyncio.to_thread(self._sign_in)
                )
        except (GoogleAuthError, TimeoutError, ValueError, TypeError, AttributeError) as error:
            # The library raises the last three for a 200 whose body is not the expected JSON.
            raise NoAccessTokenError(
                type(error).__name__, is_transient=_is_transient(error)
            ) from None

    def _sign_in(self) -> str:
        """Return a new access token. Blocks, at most `timeout_s` for each HTTP request."""
        # On first use: a process without a service account can start.
        if self._credentials is None:
            self._credentials, _ = google.auth.default(scopes=[self._scope])
        self._credentials.refresh(partial(Request(), timeout=self._timeout_s))
        return str(self._credentials.token)


def _is_transient(error: Exception) -> bool:
    """Whether the token server or the metadata server was unavailable."""
    if isinstance(error, GoogleAuthError) and error.retryable:
        return True
    return any(isinstance(each, TimeoutError | TransportError) for each in (error, error.__cause__))
