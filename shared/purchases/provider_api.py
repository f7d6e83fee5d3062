"""HTTP client of purchase providers' APIs: timeouts, one retry, pauses and errors.

Every failure to get a response is `DependencyUnavailable`, never a rejected purchase.
"""

import asyncio
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from math import ceil
from typing import Any

import httpx2
from pydantic_core import from_json

from shared.clients.http import Client
from shared.errors import DependencyUnavailable
from shared.telemetry.signals import span

logger = logging.getLogger(__name__)

JsonObject = dict[str, Any]

_RETRY_AFTER_S = 30
_MAX_PAUSE_S = 600
# Apple's receipts list every purchase, so responses have no fixed limit. This one bounds memory.
_MAX_RESPONSE_BYTES = 4 * 1024 * 1024
# A larger `Retry-After` is not a duration: Apple sends a UNIX time in milliseconds.
_MIN_UNIX_TIME_MS = 10**11
_CREDENTIALS_REJECTED = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)
_RETRYABLE = (
    HTTPStatus.REQUEST_TIMEOUT,
    HTTPStatus.CONFLICT,
    HTTPStatus.LOCKED,
    HTTPStatus.TOO_MANY_REQUESTS,
)
_RATE_LIMIT_REASONS = frozenset({"rateLimitExceeded", "userRateLimitExceeded"})
"""Google's reasons for a 403 that means the same as a 429."""

# Longer numbers would overflow when they are converted to a time.
_MAX_DIGITS = 15
_MAX_BACKOFF_MS = 10**_MAX_DIGITS


@dataclass(frozen=True)
class ProviderResponse:
    """A response that the caller has to interpret: 200, or a 4xx about the request."""

    status: int
    content: JsonObject
    """Empty for a 4xx without a JSON object."""


class ProviderApi:
    """The API of one provider, which clients and log entries name as `name`.

    After a 429 the API is not called for the requested time, at most ten minutes.
    """

    def __init__(self, name: str, http: Client, timeout_s: float) -> None:
        self._name = name
        self._http = http
        self._timeout_s = timeout_s
        self._paused_until = 0.0

    async def get(self, url: str, headers: Mapping[str, str]) -> ProviderResponse:
        """Send a GET request.

        Raises:
            DependencyUnavailable: timeout, invalid response, or our credentials are rejected.
        """
        return await self._call(self._http.build_request("GET", url, headers=headers))

    async def post(self, url: str, content: Mapping[str, object]) -> ProviderResponse:
        """Send a POST request with JSON. It must be idempotent: it is retried. Raises as `get`."""
        return await self._call(self._http.build_request("POST", url, json=content))

    def alert(self, reason: str) -> DependencyUnavailable:
        """Log an ERROR, which triggers an alert, and return the error to raise.

        For faults that an operator has to fix.
        """
        logger.error("%s: %s", self._name, reason)
        return DependencyUnavailable(self._name, _RETRY_AFTER_S)

    def outage(self, reason: str) -> DependencyUnavailable:
        """Log a WARNING and return the error to raise. For faults that end without our action."""
        logger.warning("%s: %s", self._name, reason)
        return DependencyUnavailable(self._name, _RETRY_AFTER_S)

    async def _call(self, request: httpx2.Request) -> ProviderResponse:
        pause_s = self._paused_until - time.monotonic()
        if pause_s > 0:
            raise DependencyUnavailable(self._name, ceil(pause_s))
        try:
            with span(f"ask {self._name}"):
                async with asyncio.timeout(self._timeout_s):
                    status, headers, body = await self._send_with_retry(request)
        except (TimeoutError, httpx2.HTTPError, httpx2.StreamError) as error:
            # `from None`: the cause contains the URL, and the URL can contain the token.
            raise self.outage(f"no response: {type(error).__name__}") from None
        return self._check_response(status, headers, body)

    async def _send_with_retry(self, request: httpx2.Request) -> tuple[int, httpx2.Headers, bytes]:
        """Send; retry once if the connection breaks, as it can after a long idle time."""
        try:
            return await self._send(request)
        except (httpx2.RemoteProtocolError, httpx2.ReadError, httpx2.WriteError):
            return await self._send(request)

    async def _send(self, request: httpx2.Request) -> tuple[int, httpx2.Headers, bytes]:
        # Streamed, so that an oversized body is never read completely.
        response = await self._http.send(request, stream=True)
        try:
            body = bytearray()
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > _MAX_RESPONSE_BYTES:
                    raise self.outage("the response is too large")
        finally:
            await response.aclose()
        return response.status_code, response.headers, bytes(body)

    def _check_response(
        self, status: int, headers: httpx2.Headers, body: bytes
    ) -> ProviderResponse:
        content = _json_object(body)
        if status == HTTPStatus.FORBIDDEN and not _RATE_LIMIT_REASONS.isdisjoint(
            error_reasons(content or {})
        ):
            status = HTTPStatus.TOO_MANY_REQUESTS
        # The subscriber's token is never a credential of these APIs: only ours can be rejected.
        if status in _CREDENTIALS_REJECTED:
            raise self.alert(f"our credentials are rejected ({status})")
        if status in _RETRYABLE:
            wait_s = _wait_s(headers, content or {})
            # The other statuses concern only this request.
            if status == HTTPStatus.TOO_MANY_REQUESTS:
                self._paused_until = max(self._paused_until, time.monotonic() + wait_s)
            logger.warning("%s requests a pause of %d s (%d)", self._name, wait_s, status)
            raise DependencyUnavailable(self._name, wait_s)
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise self.outage(f"server error ({status})")
        # Not followed: a redirect could send our key or the token to another host.
        if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
            raise self.alert(f"redirect: the configured URL is wrong ({status})")
        if status >= HTTPStatus.BAD_REQUEST:
            return ProviderResponse(status, content or {})
        if status != HTTPStatus.OK or content is None:
            raise self.outage(f"the response is not a JSON object ({status})")
        return ProviderResponse(status, content)


def error_reasons(content: Mapping[str, object]) -> list[str]:
    """Return the reasons in an error response of a Google API."""
    error = content.get("error")
    errors = error.get("errors") if isinstance(error, dict) else None
    if not isinstance(errors, list):
        return []
    return [str(each.get("reason")) for each in errors if isinstance(each, dict)]


def _json_object(body: bytes) -> JsonObject | None:
    try:
        content = from_json(body)
    except ValueError:
        return None
    return content if isinstance(content, dict) else None


def _wait_s(headers: httpx2.Headers, content: Mapping[str, object]) -> int:
    """Return the seconds until the next call is allowed: at least 1, at most ten minutes."""
    requested_s = _requested_wait_s(headers.get("retry-after", ""), content.get("backoff_ms"))
    return ceil(min(max(requested_s, 1), _MAX_PAUSE_S))


def _requested_wait_s(retry_after: str, backoff_ms: object) -> float:
    """Parse the wait that a provider requests.

    Source: RFC 9110, section 10.2.3; RevenueCat's `backoff_ms`; Apple's `Retry-After` as a UNIX
    time in ms, https://developer.apple.com/documentation/appstoreserverapi/identifying-rate-limits
    """
    if isinstance(backoff_ms, int | float) and abs(backoff_ms) < _MAX_BACKOFF_MS:
        return backoff_ms / 1000
    if retry_after.isascii() and retry_after.isdigit():
        number = int(retry_after[:_MAX_DIGITS])
        return number if number < _MIN_UNIX_TIME_MS else number / 1000 - time.time()
    try:
        at = parsedate_to_datetime(retry_after)
    except (ValueError, OverflowError):
        return _RETRY_AFTER_S
    return (at - datetime.now(UTC)).total_seconds() if at.tzinfo else _RETRY_AFTER_S


def is_path_segment(token: str, max_characters: int) -> bool:
    """Whether `token` can be one segment of a path, and is not too long for a URL.

    "." and ".." would change the path, even if escaped. Source: RFC 3986, section 5.2.4.
    """
    return len(token) <= max_characters and token not in (".", "..")
