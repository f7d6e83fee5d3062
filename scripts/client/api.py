"""HTTP client of the routes: JSON bodies, bytes as base64."""

from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import httpx

from scripts.client.backend import Era
from scripts.client.crypto import Encrypted

FUNCTION_OF = {
    "user": "users",
    "users": "users",
    "features": "users",
    "event": "events",
    "events": "events",
    "follow-secret": "social",
    "inbox": "social",
    "shareditem": "sharing",
    "ai": "ai",
    "ai-chat": "chat",
    "ai-chat-v2": "chat",
    "backup": "backup",
    "backups": "backup",
}
_TIMEOUT_S = 120  # a plan of a language model can take this long


class RefusedError(Exception):
    """The response has another status than 200."""

    def __init__(self, response: httpx.Response) -> None:
        request = response.request
        super().__init__(f"{response.status_code} on {request.method} {request.url.path}")
        self.status = response.status_code


@dataclass(frozen=True)
class Profile:
    """The public profile of a user."""

    id: str
    lookup: str
    encrypted_name: Encrypted | None
    rsa_public_key: bytes


class Api:
    """The server, at one URL for all routes or at one URL per function.

    Args:
        addresses: URLs by function name. The URL under "" serves the functions without their own.
        http: the HTTP client. The caller closes it.
        era: apps of 2025 call the routes below `/v2`, apps of 2026 below the address itself.
        headers: the headers of each request. Only apps of 2026 have them.
    """

    def __init__(
        self,
        addresses: Mapping[str, str],
        http: httpx.AsyncClient,
        era: Era = Era.OF_2025,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self._addresses = addresses
        self._http = http
        self._prefix = "/v2" if era is Era.OF_2025 else ""
        self.era = era
        self.headers = dict(headers or {})

    def has_address_of(self, function: str) -> bool:
        """Return whether the URL of a function is known."""
        return bool(self._addresses.get(function) or self._addresses.get(""))

    def address_of(self, function: str) -> str:
        """Return the base URL of a function.

        Raises:
            KeyError: the URL is unknown.
        """
        return self._addresses.get(function) or self._addresses[""]

    def with_headers(self, headers: Mapping[str, str]) -> Self:
        """Return the same server with other headers."""
        return type(self)(self._addresses, self._http, self.era, headers)

    async def send(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
        json: Any = None,  # noqa: ANN401 - JSON
    ) -> httpx.Response:
        """Send a request and return its response.

        Raises:
            RefusedError: any status but 200.
        """
        # The first segment of a path belongs to one function.
        function = FUNCTION_OF[path.partition("?")[0].split("/")[1]]
        response = await self._http.request(
            method,
            f"{self.address_of(function)}{self._prefix}{path}",
            content=content,
            json=json,
            headers={**self.headers, **(headers or {})},
            timeout=_TIMEOUT_S,
        )
        # The contract has no other success status.
        if response.status_code != httpx.codes.OK:
            raise RefusedError(response)
        return response

    async def call(
        self,
        method: str,
        path: str,
        body: Any = None,  # noqa: ANN401 - JSON
        purchase_token: str | None = None,
    ) -> Any:  # noqa: ANN401 - JSON
        """Send a request with JSON. Return the JSON of the response, or None if it is empty.

        Raises:
            RefusedError: any status but 200.
        """
        headers = {} if purchase_token is None else {"Authorization": f"Bearer {purchase_token}"}
        response = await self.send(method, path, json=body, headers=headers)
        return response.json() if response.content else None

    async def profile(self, id_or_lookup: str) -> Profile:
        """Read a user."""
        user = await self.call("GET", f"/user/{id_or_lookup}")
        name = user["encryptedName"]
        return Profile(
            user["id"],
            user["lookup"],
            None if name is None else Encrypted(from_text(name), from_text(user["encryptionIV"])),
            from_text(user["rsaPublicKey"]),
        )


def to_text(content: bytes) -> str:
    """Encode bytes for JSON."""
    return b64encode(content).decode()


def from_text(text: str) -> bytes:
    """Decode bytes from JSON."""
    return b64decode(text, validate=True)
