"""Requests of the checks, with the headers of the app, and without redirects."""

import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass

import httpx

from scripts.client.backend import Backend

TIMEOUT_S = 15
_MAX_BODY_BYTES = 65_536


class NoAnswerError(Exception):
    """The server sent no complete response. The message names the reason."""


@dataclass(frozen=True)
class Answer:
    """A response of the server, or of a proxy in front of it."""

    route: str
    status: int
    headers: httpx.Headers
    body: bytes = b""

    @property
    def is_problem(self) -> bool:
        """Whether it has the form of LiftLog's errors. Errors of a proxy have another one."""
        return str(self.headers.get("content-type", "")).startswith("application/problem+json")

    @property
    def is_page(self) -> bool:
        """Whether it is a web page."""
        return self.body.lstrip()[:15].lower().startswith((b"<!doctype html", b"<html"))

    @property
    def json(self) -> object:
        """The value of the body. None if it is not JSON."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None

    def problem_field(self, name: str) -> str:
        """Return a field of the error. Empty if it is missing."""
        value = self.json
        return str(value.get(name, "")) if self.is_problem and isinstance(value, dict) else ""

    @property
    def saw_credentials(self) -> bool:
        """Whether a 401 of LiftLog shows that credentials arrived, and are wrong."""
        return 'error="invalid_token"' in self.headers.get("www-authenticate", "")

    @property
    def is_own_challenge(self) -> bool:
        """Whether a 401 comes from LiftLog, and not from a proxy."""
        return self.is_problem or 'realm="LiftLog"' in self.headers.get("www-authenticate", "")


class Server:
    """The server at a base address.

    Args:
        backend: the base address, and the headers of the user.
        http: the HTTP client. The caller closes it.
        tls: the settings of TLS connections.
    """

    def __init__(self, backend: Backend, http: httpx.AsyncClient, tls: ssl.SSLContext) -> None:
        self.backend = backend
        self.tls = tls
        self._http = http

    async def ask(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
        as_user: bool = True,
    ) -> Answer:
        """Send a request and return the response.

        Args:
            method: the method.
            path: the path, which follows the base address.
            headers: further headers.
            content: the body.
            as_user: send the headers of the user.

        Raises:
            NoAnswerError: there is no complete response.
        """
        given = {**(self.backend.headers if as_user else {}), **(headers or {})}
        request = self._http.stream(method, self.backend.url(path), headers=given, content=content)
        body = b""
        try:
            async with request as response:
                async for chunk in response.aiter_bytes():
                    body += chunk
                    if len(body) > _MAX_BODY_BYTES:
                        break
        except httpx.DecodingError:
            raise NoAnswerError(f"{method} {path}: the compression is damaged") from None
        except httpx.TimeoutException:
            raise NoAnswerError(f"{method} {path}: no response in {TIMEOUT_S} s") from None
        # OSError: a connection with TLS ends without the end of TLS.
        except (httpx.HTTPError, OSError) as error:
            raise NoAnswerError(f"{method} {path}: {str(error) or type(error).__name__}") from None
        return Answer(f"{method} {path}", response.status_code, response.headers, body)


def client(tls: ssl.SSLContext) -> httpx.AsyncClient:
    """Return the HTTP client of the checks."""
    # Servers close idle connections after two seconds or more. Close them earlier here.
    limits = httpx.Limits(keepalive_expiry=1)
    return httpx.AsyncClient(
        verify=tls, timeout=TIMEOUT_S, limits=limits, follow_redirects=False, trust_env=False
    )
