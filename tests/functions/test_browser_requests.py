"""Requests of today's app from a page of another origin, with the headers that users add."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.api_client import ApiClient
from tests.functions.chat.chromium_clients import start_page
from tests.functions.chat.client_interface import InvocationError
from tests.functions.chat.javascript_clients import Node
from tests.loopback import served

pytestmark = pytest.mark.chromium

HEADERS = {
    "X-API-Key": "SECRET-key-of-nobody",
    "Authorization": "Basic SECRET-not-base64",
    "X-LiftLog-Probe": "true",
    "X-Header-Of-A-User": "SECRET-value",
}


@pytest.fixture(scope="module")
async def page() -> AsyncIterator[Node]:
    async with start_page("signalr-10") as page:
        yield page


async def fetch(page: Node, url: str, method: str, body: str | None, **headers: str) -> Any:
    options = {"method": method, "headers": {**HEADERS, **headers}, "body": body}
    return await page.run("", "fetch", url=url, options=options)


@pytest.mark.parametrize("prefix", ["", "/v2"], ids=["bare", "v2"])
@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("PUT", "/event", "{}", 400),
        ("PUT", "/user", "{}", 400),
        ("POST", "/events", '{"users": []}', 400),
        ("GET", "/user/unknown12345", None, 404),
        ("GET", "/user/unknown/unknown", None, 404),
        ("DELETE", "/user", None, 405),
    ],
)
async def test_page_reads_the_response(
    page: Node,
    client: ApiClient,
    prefix: str,
    method: str,
    path: str,
    body: str | None,
    status: int,
) -> None:
    url = client.url(f"{prefix}{path}")
    json = {"Content-Type": "application/json"} if body else {}
    response = await fetch(page, url, method, body, **json)
    assert response["status"] == status
    assert response["headers"]["content-type"]
    assert response["text"]


async def test_browser_checks_cors(page: Node) -> None:
    """Without this, the other tests would prove nothing."""

    async def without_cors(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    with served(without_cors) as address, pytest.raises(InvocationError, match="Failed to fetch"):
        await fetch(page, address, "GET", None)


@pytest.mark.parametrize("prefix", ["", "/v2"], ids=["bare", "v2"])
async def test_page_reads_the_features(page: Node, client: ApiClient, prefix: str) -> None:
    """Wrong credentials do not matter."""
    address = client.url("/user").removesuffix("/user")
    response = await fetch(page, f"{address}{prefix}/features", "GET", None)
    assert response["status"] == 200
    assert response["headers"]["content-type"] == "application/json"
    assert response["headers"]["cache-control"] == "no-store"
    assert response["text"].startswith('{"feed":')


async def test_page_reads_that_a_body_is_too_large(page: Node, client: ApiClient) -> None:
    """The response precedes the end of the body."""
    response = await fetch(page, client.url("/event"), "PUT", "x" * 900_000)
    assert response["status"] == 413
