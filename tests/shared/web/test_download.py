"""Conditional requests and ranges. Source: RFC 9110, sections 13 and 14."""

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

import httpx
import pytest

from shared.errors import DependencyUnavailable, NotFound
from shared.schemas.wire import Request
from shared.web.app import build_app
from shared.web.download import Download
from shared.web.routes import Route
from tests.fakes import FakeServers
from tests.loopback import until

CONTENT = bytes(range(256)) * 10
SIZE = len(CONTENT)
ETAG = '"v1"'


class EmptyRequest(Request):
    """Has no fields."""


class Source:
    """A content in small pieces, with failures."""

    def __init__(self) -> None:
        self.is_closed = False
        self.fails_at: int | None = None
        self.error: Exception = DependencyUnavailable("the source", 1)
        self.waits = False

    async def read(self, start: int, stop: int) -> AsyncGenerator[bytes, None]:
        try:
            for position in range(start, stop, 100):
                if self.fails_at is not None and position >= self.fails_at:
                    raise self.error
                yield CONTENT[position : min(position + 100, stop)]
                if self.waits:
                    await asyncio.Event().wait()
        finally:
            self.is_closed = True

    async def get(self, _request: EmptyRequest) -> Download:
        return Download("application/gzip", "content.gz", SIZE, "v1", self.read)


@pytest.fixture
def source() -> Source:
    return Source()


@pytest.fixture
async def http(fake_servers: FakeServers, source: Source) -> AsyncIterator[httpx.AsyncClient]:
    route = Route(
        "GET",
        "/content",
        "x",
        EmptyRequest,
        None,
        source.get,
        [NotFound],
        is_cancellable=True,
        download_type="application/gzip",
    )
    url = fake_servers.serve("downloads", build_app([route]))
    async with httpx.AsyncClient(base_url=url, timeout=60) as client:
        yield client


async def test_whole_content_has_its_length(http: httpx.AsyncClient, source: Source) -> None:
    response = await http.get("/content", headers={"Accept-Encoding": "gzip"})
    assert (response.status_code, response.content) == (200, CONTENT)
    assert response.headers["content-type"] == "application/gzip"
    assert response.headers["content-length"] == str(SIZE)
    assert response.headers["accept-ranges"] == "bytes"
    assert response.headers["etag"] == ETAG
    assert response.headers["cache-control"] == "private, no-cache"
    assert response.headers["content-disposition"] == 'attachment; filename="content.gz"'
    assert "content-encoding" not in response.headers
    assert "transfer-encoding" not in response.headers
    assert source.is_closed


@pytest.mark.parametrize(
    ("requested", "first", "last"),
    [
        ("bytes=0-0", 0, 0),
        ("bytes=0-99", 0, 99),
        ("bytes=5-1500", 5, 1500),
        ("bytes=2559-", SIZE - 1, SIZE - 1),
        ("bytes=100-", 100, SIZE - 1),
        ("bytes=100-999999", 100, SIZE - 1),
        ("bytes=-1", SIZE - 1, SIZE - 1),
        ("bytes=-300", SIZE - 300, SIZE - 1),
        ("bytes=-999999", 0, SIZE - 1),
        ("Bytes=7-8", 7, 8),
        ("bytes= 7-8", 7, 8),
    ],
)
async def test_range_is_sent(
    http: httpx.AsyncClient, requested: str, first: int, last: int
) -> None:
    response = await http.get("/content", headers={"Range": requested})
    assert (response.status_code, response.content) == (206, CONTENT[first : last + 1])
    assert response.headers["content-range"] == f"bytes {first}-{last}/{SIZE}"
    assert response.headers["content-length"] == str(last + 1 - first)
    assert response.headers["etag"] == ETAG


@pytest.mark.parametrize(
    "requested", ["bytes=2560-", "bytes=2560-2570", "bytes=-0", "bytes=99999-"]
)
async def test_range_outside_of_content_is_refused(http: httpx.AsyncClient, requested: str) -> None:
    response = await http.get("/content", headers={"Range": requested})
    assert response.status_code == 416
    assert response.headers["content-range"] == f"bytes */{SIZE}"
    assert response.json()["status"] == 416


@pytest.mark.parametrize(
    "requested",
    ["bytes=5-4", "bytes=-", "bytes=", "bytes=a-b", "items=0-5", "bytes=0-1,5-6", "0-5", "bytes"],
)
async def test_other_ranges_are_ignored(http: httpx.AsyncClient, requested: str) -> None:
    response = await http.get("/content", headers={"Range": requested})
    assert (response.status_code, response.content) == (200, CONTENT)


@pytest.mark.parametrize(
    ("condition", "status"),
    [
        (ETAG, 206),
        ('"v2"', 200),
        (f"W/{ETAG}", 200),
        ("Fri, 27 Nov 2026 12:00:00 GMT", 200),
    ],
)
async def test_if_range_needs_the_same_version(
    http: httpx.AsyncClient, condition: str, status: int
) -> None:
    response = await http.get("/content", headers={"Range": "bytes=0-9", "If-Range": condition})
    assert response.status_code == status
    assert response.content == (CONTENT[:10] if status == 206 else CONTENT)


@pytest.mark.parametrize(
    ("known", "status"),
    [
        (ETAG, 304),
        (f"W/{ETAG}", 304),
        (f'"v0", {ETAG}', 304),
        ("*", 304),
        ('"v0"', 200),
        ("v1", 200),
        ('"', 200),
    ],
)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_known_version_is_not_sent(
    http: httpx.AsyncClient, method: str, known: str, status: int
) -> None:
    response = await http.request(method, "/content", headers={"If-None-Match": known})
    assert response.status_code == status
    assert response.headers["etag"] == ETAG
    assert response.content == (CONTENT if (method, status) == ("GET", 200) else b"")


async def test_head_ignores_the_range(http: httpx.AsyncClient) -> None:
    response = await http.head("/content", headers={"Range": "bytes=0-9"})
    assert response.status_code == 200
    assert response.headers["content-length"] == str(SIZE)


@pytest.mark.parametrize(
    ("error", "status"), [(NotFound("gone"), 404), (DependencyUnavailable("the source", 1), 503)]
)
async def test_failure_of_first_read_has_its_status(
    http: httpx.AsyncClient, source: Source, error: Exception, status: int
) -> None:
    source.fails_at, source.error = 0, error
    assert (await http.get("/content")).status_code == status


async def test_later_failure_cuts_the_response(http: httpx.AsyncClient, source: Source) -> None:
    source.fails_at = 1000
    with pytest.raises(httpx.RemoteProtocolError):
        await http.get("/content")
    assert source.is_closed


async def test_complete_download_is_not_logged_as_interrupted(
    http: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "shared.web.request_log")
    for _ in range(50):
        # The client closes the connection when it has the announced bytes.
        async with httpx.AsyncClient(base_url=http.base_url) as client:
            await client.get("/content", headers={"Range": "bytes=0-9"})
    await until(lambda: len(caplog.messages) >= 50)
    assert {message.rpartition(" 206 ")[0] for message in caplog.messages} == {"GET /content"}


async def test_disconnect_closes_the_source(http: httpx.AsyncClient, source: Source) -> None:
    source.waits = True
    async with http.stream("GET", "/content") as response:
        pieces: Any = response.aiter_raw()
        assert await anext(pieces)
        assert not source.is_closed
    await until(lambda: source.is_closed)
