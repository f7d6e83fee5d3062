"""HTTP client of the routes: JSON bodies, bytes as base64."""

from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from scripts.client.crypto import Encrypted

FUNCTION_OF = {
    "user": "users",
    "users": "users",
    "event": "events",
    "events": "events",
    "follow-secret": "social",
    "inbox": "social",
    "shareditem": "sharing",
    "ai": "ai",
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
    """

    def __init__(self, addresses: Mapping[str, str], http: httpx.AsyncClient) -> None:
        self._addresses = addresses
        self._http = http

    async def call(
        self,
        method: str,
        path: str,
        body: Any = None,  # noqa: ANN401 - JSON
        purchase_token: str | None = None,
    ) -> Any:  # noqa: ANN401 - JSON
        """Send a request. Return its JSON, or None for an empty response.

        Raises:
            RefusedError: any status but 200.
        """
        # The first segment of a path belongs to one function.
        function = FUNCTION_OF[path.split("/")[1]]
        address = self._addresses.get(function) or self._addresses[""]
        headers = {} if purchase_token is None else {"Authorization": f"Bearer {purchase_token}"}
        response = await self._http.request(
            method, f"{address}/v2{path}", json=body, headers=headers, timeout=_TIMEOUT_S
        )
        # The contract has no other success status.
        if response.status_code != httpx.codes.OK:
            raise RefusedError(response)
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
