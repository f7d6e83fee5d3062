"""An HTTP client of the functions, which sends any request and does not check responses."""

import json
from collections.abc import Mapping
from typing import Any

import httpx

from scripts.client.api import FUNCTION_OF


class ApiClient:
    """Sends requests to the functions and returns their responses."""

    def __init__(self, addresses: Mapping[str, str], http: httpx.AsyncClient) -> None:
        self._addresses = addresses
        self._http = http

    def url(self, path: str) -> str:
        """Return the address of a route's path, with or without its prefix."""
        function = FUNCTION_OF[path.removeprefix("/v2").split("/")[1]]
        return self._addresses[function] + path

    async def send(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        """Send `body` as JSON, or `content` unchanged."""
        if content is None and body is not None:
            content = json.dumps(body).encode()
        return await self._http.request(
            method,
            self.url(path),
            content=content,
            headers={"Content-Type": "application/json", **(headers or {})},
        )

    async def get(self, path: str) -> httpx.Response:
        """Send a GET request."""
        return await self.send("GET", path)

    async def put(self, path: str, body: Any) -> httpx.Response:
        """Send JSON in a PUT request."""
        return await self.send("PUT", path, body)

    async def post(self, path: str, body: Any, token: str | None = None) -> httpx.Response:
        """Send JSON in a POST request, with `token` as the purchase token."""
        headers = {} if token is None else {"Authorization": token}
        return await self.send("POST", path, body, headers=headers)
