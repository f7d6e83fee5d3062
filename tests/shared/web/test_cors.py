"""CORS: pages of any origin may send every request and read every response, without cookies.

Source: contract, heading "General"; WHATWG Fetch, "CORS protocol".
"""

import httpx
import pytest

from shared.errors import (
    DependencyUnavailable,
    NotEntitled,
    NotFound,
    RateLimited,
    RequestTooLarge,
)
from shared.schemas.wire import Request, Response
from shared.web.app import build_app
from shared.web.routes import Route

PAGE = {"Origin": "https://app.example"}
ERRORS: dict[int, Exception] = {
    401: NotEntitled("a test"),
    404: NotFound("a test"),
    413: RequestTooLarge("a test"),
    429: RateLimited(7),
    500: RuntimeError("a test"),
    503: DependencyUnavailable("a test", 7),
}


class TextRequest(Request):
    text: str


class TextResponse(Response):
    text: str


def client(error: Exception | None = None) -> httpx.AsyncClient:
    """Return a client of an app with one route, which raises `error`."""

    async def handler(request: TextRequest) -> TextResponse:
        if error is not None:
            raise error
        return TextResponse(text=request.text)

    route = Route("PUT", "/text", "A test.", TextRequest, TextResponse, handler)
    transport = httpx.ASGITransport(build_app([route]))
    return httpx.AsyncClient(transport=transport, base_url="http://x", headers=PAGE)


def assert_is_readable(response: httpx.Response) -> None:
    assert response.headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in response.headers


@pytest.mark.parametrize("status", ERRORS)
async def test_page_can_read_every_error(status: int) -> None:
    async with client(ERRORS[status]) as http:
        response = await http.put("/text", content=b'{"text": "a"}')
    assert response.status_code == status
    assert_is_readable(response)


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("PUT", "/text", b'{"text": "a"}', 200),
        ("PUT", "/text", b"{}", 400),
        ("PUT", "/text", b"x" * 5_000_000, 413),
        ("GET", "/text", b"", 405),
        ("GET", "/unknown", b"", 404),
        ("GET", "/health", b"", 200),
        ("POST", "/health/ready", b"", 405),
    ],
)
async def test_page_can_read_every_response(
    method: str, path: str, body: bytes, status: int
) -> None:
    async with client() as http:
        response = await http.request(method, path, content=body)
    assert response.status_code == status
    assert_is_readable(response)


async def test_page_can_read_every_header() -> None:
    """WHATWG Fetch: `*` stands for all headers, because requests have no credentials."""
    async with client(DependencyUnavailable("a test", 7)) as http:
        response = await http.put("/text", content=b'{"text": "a"}')
    assert response.headers["retry-after"] == "7"
    assert response.headers["access-control-expose-headers"] == "*"


async def test_cookies_do_not_allow_credentials() -> None:
    async with client() as http:
        response = await http.put(
            "/text", content=b'{"text": "a"}', headers={"Cookie": "SECRET-cookie=1"}
        )
    assert_is_readable(response)


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH"])
@pytest.mark.parametrize("path", ["/text", "/v2/TEXT/", "//unknown"])
async def test_preflight_allows_every_method(method: str, path: str) -> None:
    async with client() as http:
        response = await http.options(path, headers={"Access-Control-Request-Method": method})
    assert response.status_code == 200
    assert_is_readable(response)
    assert method in response.headers["access-control-allow-methods"].split(", ")


@pytest.mark.parametrize(
    "names",
    [
        "x-api-key",
        "x-liftlog-probe,x-api-key",
        "authorization,content-type,x-requested-with,x-signalr-user-agent",
        "x-header-of-a-user,range,if-none-match",
        "cf-access-client-id, cf-access-client-secret",
    ],
)
async def test_preflight_allows_every_header(names: str) -> None:
    headers = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": names}
    async with client() as http:
        response = await http.options("/text", headers=headers)
    assert response.status_code == 200
    assert_is_readable(response)
    assert response.headers["access-control-allow-headers"] == names


async def test_preflight_allows_private_networks() -> None:
    """Private Network Access: a public page may call a server at home."""
    headers = {
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Private-Network": "true",
    }
    async with client() as http:
        response = await http.options("/text", headers=headers)
    assert response.headers["access-control-allow-private-network"] == "true"
