"""Calls to a purchase store's API: what all of them have in common, above all their ways to fail.

Whatever keeps us from learning the store's answer is `DependencyUnavailable`, for the caller as for
the client: an outage says nothing about a purchase.
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

_TRY_AGAIN_S = 30
_LONGEST_PAUSE_S = 600
_MOST_BYTES = 4 * 1024 * 1024
_A_UNIX_TIME_IN_MS = 10**11  # no pause is that long: Apple tells the instant instead
_OUR_KEY = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)
_LATER = (
    HTTPStatus.REQUEST_TIMEOUT,
    HTTPStatus.CONFLICT,
    HTTPStatus.LOCKED,
    HTTPStatus.TOO_MANY_REQUESTS,
)
_TOO_MANY = frozenset({"rateLimitExceeded", "userRateLimitExceeded"})
"""Google's reasons for a 403 that means the same as a 429."""

_MOST_DIGITS = 15
_MOST_MS = 10**_MOST_DIGITS


@dataclass(frozen=True)
class ProviderResponse:
    """A store's answer that the caller has to interpret: 200, or a 4xx about the request."""

    status: int
    content: dict[str, Any]
    """The JSON object that came; empty for a 4xx without one."""


class ProviderApi:
    """The API of one store, named `what` to clients and in the log.

    After a 429 it is not called again before the time that it named, at most ten minutes.
    """

    def __init__(self, what: str, http: Client, timeout_s: float) -> None:
        self._what = what
        self._http = http
        self._timeout_s = timeout_s
        self._paused_until = 0.0

    async def get(self, url: str, headers: Mapping[str, str]) -> ProviderResponse:
        """GET `url`.

        Raises:
            DependencyUnavailable: no answer in time, none that is of use, or not to us.
        """
        return await self._call(self._http.build_request("GET", url, headers=headers))

    async def post(self, url: str, content: Mapping[str, Any]) -> ProviderResponse:
        """POST JSON to `url`, of which repeating must be harmless; raises as `get`."""
        return await self._call(self._http.build_request("POST", url, json=content))

    def alarm(self, why: str) -> DependencyUnavailable:
        """Log an ERROR, which raises an alert, and return the error for the client.

        For faults that an operator has to look at.
        """
        logger.error("%s: %s", self._what, why)
        return DependencyUnavailable(self._what, _TRY_AGAIN_S)

    def outage(self, why: str) -> DependencyUnavailable:
        """Log a WARNING, and return the error for the client. For faults that end by themselves."""
        logger.warning("%s: %s", self._what, why)
        return DependencyUnavailable(self._what, _TRY_AGAIN_S)

    async def _call(self, request: httpx2.Request) -> ProviderResponse:
        pause_s = self._paused_until - time.monotonic()
        if pause_s > 0:
            raise DependencyUnavailable(self._what, ceil(pause_s))
        try:
            with span(f"ask {self._what}"):
                async with asyncio.timeout(self._timeout_s):
                    status, headers, body = await self._send_twice(request)
        except (TimeoutError, httpx2.HTTPError, httpx2.StreamError) as error:
            # The cause is dropped: it holds the URL, which holds the token.
            raise self.outage(f"no answer: {type(error).__name__}") from None
        return self._judged(status, headers, body)

    async def _send_twice(self, request: httpx2.Request) -> tuple[int, httpx2.Headers, bytes]:
        """Send; once more if the connection broke, as one does that was idle for too long."""
        try:
            return await self._send(request)
        except (httpx2.RemoteProtocolError, httpx2.ReadError, httpx2.WriteError):
            return await self._send(request)

    async def _send(self, request: httpx2.Request) -> tuple[int, httpx2.Headers, bytes]:
        response = await self._http.send(request, stream=True)
        try:
            body = bytearray()
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > _MOST_BYTES:
                    raise self.outage("the answer is too long")
        finally:
            await response.aclose()
        return response.status_code, response.headers, bytes(body)

    def _judged(self, status: int, headers: httpx2.Headers, body: bytes) -> ProviderResponse:
        content = _json_object(body)
        if status == HTTPStatus.FORBIDDEN and not _TOO_MANY.isdisjoint(reasons(content or {})):
            status = HTTPStatus.TOO_MANY_REQUESTS
        if status in _OUR_KEY:
            raise self.alarm(f"our own credentials are refused ({status})")
        if status in _LATER:
            wait_s = _wait_s(headers, content or {})
            if status == HTTPStatus.TOO_MANY_REQUESTS:  # the others are about this request alone
                self._paused_until = max(self._paused_until, time.monotonic() + wait_s)
            logger.warning("%s asks for a pause of %d s (%d)", self._what, wait_s, status)
            raise DependencyUnavailable(self._what, wait_s)
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise self.outage(f"it has an error ({status})")
        if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
            raise self.alarm(f"it redirects, so its address is wrong ({status})")
        if status >= HTTPStatus.BAD_REQUEST:
            return ProviderResponse(status, content or {})
        if status != HTTPStatus.OK or content is None:
            raise self.outage(f"the answer is no JSON object ({status})")
        return ProviderResponse(status, content)


def reasons(content: Mapping[str, Any]) -> list[str]:
    """Return the reasons in an error of one of Google's APIs."""
    error = content.get("error")
    errors = error.get("errors") if isinstance(error, dict) else None
    if not isinstance(errors, list):
        return []
    return [str(each.get("reason")) for each in errors if isinstance(each, dict)]


def _json_object(body: bytes) -> dict[str, Any] | None:
    try:
        content = from_json(body)
    except ValueError:
        return None
    return content if isinstance(content, dict) else None


def _wait_s(headers: httpx2.Headers, content: Mapping[str, Any]) -> int:
    """Return for how many seconds a store does not want to be called: from one to ten minutes."""
    wanted_s = _wanted_s(headers.get("retry-after", ""), content.get("backoff_ms"))
    return ceil(min(max(wanted_s, 1), _LONGEST_PAUSE_S))


def _wanted_s(retry_after: str, backoff_ms: object) -> float:
    """Read what a store says of the seconds to wait.

    Source: RFC 9110, section 10.2.3; RevenueCat's `backoff_ms`; Apple's `Retry-After` as a UNIX
    time in ms, https://developer.apple.com/documentation/appstoreserverapi/identifying-rate-limits
    """
    if isinstance(backoff_ms, int | float) and abs(backoff_ms) < _MOST_MS:
        return backoff_ms / 1000
    if retry_after.isascii() and retry_after.isdigit():
        number = int(retry_after[:_MOST_DIGITS])
        return number if number < _A_UNIX_TIME_IN_MS else number / 1000 - time.time()
    try:
        at = parsedate_to_datetime(retry_after)
    except (ValueError, OverflowError):
        return _TRY_AGAIN_S
    return (at - datetime.now(UTC)).total_seconds() if at.tzinfo else _TRY_AGAIN_S


def stands_for_itself(token: str, longest: int) -> bool:
    """Whether `token` can be a part of a path, and is not absurdly long.

    Escaped or not, a part that is a dot or two leads elsewhere. Source: RFC 3986, section 5.2.4.
    """
    return len(token) <= longest and token not in (".", "..")
