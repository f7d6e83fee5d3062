"""Requests to Cloud Storage: access tokens, timeouts, retries and errors.

Source: https://cloud.google.com/storage/docs/retry-strategy
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus

import httpx2

from shared.backups.place import RETRY_AFTER_S, SUBJECT
from shared.clients.google_token import GoogleAccessToken, NoAccessTokenError
from shared.clients.http import Client
from shared.errors import DependencyTimedOut, DependencyUnavailable
from shared.telemetry.signals import span

logger = logging.getLogger(__name__)

MAX_ATTEMPTS = 3
_FIRST_PAUSE_S = 0.2
_DENIED = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})
_RETRYABLE = frozenset(
    {
        HTTPStatus.REQUEST_TIMEOUT,
        HTTPStatus.TOO_MANY_REQUESTS,
        HTTPStatus.INTERNAL_SERVER_ERROR,
        HTTPStatus.BAD_GATEWAY,
        HTTPStatus.SERVICE_UNAVAILABLE,
        HTTPStatus.GATEWAY_TIMEOUT,
    }
)


class RetryableError(Exception):
    """There was no usable response, and a retry may succeed."""

    def __init__(self, reason: str, *, is_timeout: bool = False) -> None:
        super().__init__(reason)
        self.is_timeout = is_timeout


class StorageRequests:
    """Sends requests.

    Args:
        http: the HTTP client.
        token: signs requests; None for a fake.
        timeout_s: the timeout of one attempt.
    """

    def __init__(self, http: Client, token: GoogleAccessToken | None, timeout_s: float) -> None:
        self._http = http
        self._token = token
        self._timeout_s = timeout_s

    async def send(
        self,
        method: str,
        url: str,
        *,
        json: object = None,
        headers: Mapping[str, str] | None = None,
        is_stream: bool = False,
    ) -> httpx2.Response:
        """Send a request that may be repeated; return a response that needs no retry.

        Args:
            method: the HTTP method.
            url: the URL.
            json: the body.
            headers: further headers.
            is_stream: whether the caller reads the body of the response, and closes it.

        Raises:
            DependencyUnavailable: all attempts failed, or our access is denied.
        """
        return await retried(
            lambda: self.attempt(method, url, json=json, headers=headers, is_stream=is_stream)
        )

    async def attempt(
        self,
        method: str,
        url: str,
        *,
        json: object = None,
        part: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        is_stream: bool = False,
    ) -> httpx2.Response:
        """Send a request once. `part` is a body of bytes.

        Raises:
            RetryableError: no response, or a status that asks for a retry.
            DependencyUnavailable: our access is denied.
        """
        signed = {**(headers or {}), **await self._authorization()}
        request = self._http.build_request(method, url, json=json, content=part, headers=signed)
        try:
            with span("ask Cloud Storage"):
                async with asyncio.timeout(self._timeout_s):
                    response = await self._http.send(request, stream=is_stream)
        except (TimeoutError, httpx2.TimeoutException):
            raise RetryableError("no response in time", is_timeout=True) from None
        except httpx2.HTTPError as error:
            # `from None`: the URL contains the name of a user.
            raise RetryableError(f"no response: {type(error).__name__}") from None
        status = response.status_code
        if status in _DENIED or status in _RETRYABLE:
            await response.aclose()
            if status in _DENIED:
                raise failed(f"our access is denied ({status})")
            raise RetryableError(f"status {status}")
        return response

    async def _authorization(self) -> Mapping[str, str]:
        if self._token is None:
            return {}
        try:
            return {"Authorization": f"Bearer {await self._token.value()}"}
        except NoAccessTokenError as error:
            raise failed(str(error)) from None


async def retried(work: Callable[[], Awaitable[httpx2.Response]]) -> httpx2.Response:
    """Return the result of `work`, which is called up to three times."""
    for attempt in range(1, MAX_ATTEMPTS + 1):
        try:
            return await work()
        except RetryableError as error:
            if attempt == MAX_ATTEMPTS:
                raise failed(str(error), is_timeout=error.is_timeout) from None
            logger.warning("Cloud Storage: %s", str(error))
            await pause(attempt)
    raise AssertionError("unreachable")


async def pause(attempt: int) -> None:
    """Wait after a failed attempt, from 1."""
    await asyncio.sleep(_FIRST_PAUSE_S * 2 ** (attempt - 1))


def failed(reason: str, *, is_timeout: bool = False) -> DependencyUnavailable:
    """Log the reason and return the error to raise."""
    logger.error("Cloud Storage: %s", reason)
    kind = DependencyTimedOut if is_timeout else DependencyUnavailable
    return kind(SUBJECT, RETRY_AFTER_S)
