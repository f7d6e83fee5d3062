"""From requests to handlers, with handlers made for the purpose."""

import tracemalloc
from collections.abc import AsyncIterator
from typing import Annotated

import httpx
import pytest
from pydantic import Field

from shared.errors import DependencyTimedOut, DependencyUnavailable, InvalidRequest, NotFound
from shared.schemas.wire import Base64, Instant, Request, Response
from shared.web.app import build_app
from shared.web.json_stream import JsonStream, stream_list, stream_mapping
from shared.web.routes import Handler, Route


class Asked(Request):
    name: Annotated[str, Field(max_length=5)]
    content: Annotated[bytes, Base64(min_bytes=2, max_bytes=3)] = b"ab"
    at: Instant | None = None
    more: Annotated[list[int], Field(min_length=1, max_length=2)] | None = None


class Told(Response):
    name: str


def client(handler: Handler) -> httpx.AsyncClient:
    """Return a client of an app with one route."""
    route = Route("POST", "/ask", "Ask.", Asked, Told, handler, [NotFound])
    transport = httpx.ASGITransport(build_app([route]))
    return httpx.AsyncClient(transport=transport, base_url="http://x")


async def answer_to(content: bytes) -> httpx.Response:
    async def handler(asked: Asked) -> Told:
        return Told(name=asked.name)

    async with client(handler) as http:
        return await http.post("/ask", content=content)


async def test_handler_result_is_the_response() -> None:
    response = await answer_to(b'{"NAME": "Bob"}')
    assert (response.status_code, response.json()) == (200, {"name": "Bob"})


@pytest.mark.parametrize(
    ("body", "field", "message"),
    [
        (b"{}", "name", "is required"),
        (b'{"name": 7}', "name", "must be a string"),
        (b'{"name": "too long"}', "name", "String should have at most 5 characters"),
        (b'{"name": "a", "content": "YQ=="}', "content", "is shorter than 2 bytes"),
        (b'{"name": "a", "content": "YWJjZA=="}', "content", "is longer than 3 bytes"),
        (b'{"name": "a", "content": 7}', "content", "must be a base64 string"),
        (b'{"name": "a", "content": "a-_="}', "content", "is not standard base64 with padding"),
        (b'{"name": "a", "at": 7}', "at", "must be a date and time as text"),
        (b'{"name": "a", "at": "x"}', "at", "is not an ISO 8601 date and time with an offset"),
        (b'{"name": "a", "more": 7}', "more", "must be a list"),
        (b'{"name": "a", "more": ["x"]}', "more.0", "is not valid"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_invalid_field_is_described(body: bytes, field: str, message: str) -> None:
    response = await answer_to(body)
    assert response.status_code == 400
    assert response.json()["errors"] == [{"field": field, "message": message}]


@pytest.mark.parametrize("body", [b"", b"{", b'{"name": NaN}'], ids=repr)
async def test_body_that_is_not_json_is_rejected(body: bytes) -> None:
    response = await answer_to(body)
    assert (response.status_code, response.json()["detail"]) == (400, "the body is not JSON")


@pytest.mark.parametrize(
    ("error", "status", "retry_after"),
    [
        (NotFound("no such thing"), 404, None),
        (InvalidRequest("no"), 400, None),
        (DependencyUnavailable("the store", 7), 503, "7"),
        (DependencyTimedOut("the store", 7), 504, "7"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
async def test_error_has_its_status_and_retry_after(
    error: Exception, status: int, retry_after: str | None
) -> None:
    async def handler(_asked: Asked) -> None:
        raise error

    async with client(handler) as http:
        response = await http.post("/ask", content=b'{"name": "a"}')
    assert response.status_code == status
    assert response.json()["detail"] == str(error)
    assert response.headers.get("retry-after") == retry_after


def told(count: int, size: int = 1) -> AsyncIterator[Told]:
    async def items() -> AsyncIterator[Told]:
        for number in range(count):
            yield Told(name=f"{number}" * size)

    return items()


@pytest.mark.parametrize("count", [0, 1, 3, 5000])
async def test_streamed_list_is_equal_to_its_object(count: int) -> None:
    async def many(_asked: Asked) -> JsonStream:
        return stream_list("items", told(count), {"others": ["a", 'b"']})

    async with client(many) as http:
        response = await http.post("/ask", content=b'{"name": "a"}')
    assert response.json() == {
        "items": [{"name": str(number)} for number in range(count)],
        "others": ["a", 'b"'],
    }
    # What fits into a chunk has a length; what does not comes without one.
    assert ("content-length" in response.headers) == (count < 5000)


async def test_streamed_mapping_is_equal_to_its_object() -> None:
    async def pairs() -> AsyncIterator[tuple[str, Told]]:
        async for item in told(3):
            yield item.name, item

    async def many(_asked: Asked) -> JsonStream:
        return stream_mapping("items", pairs())

    async with client(many) as http:
        response = await http.post("/ask", content=b'{"name": "a"}')
    assert response.json() == {"items": {str(n): {"name": str(n)} for n in range(3)}}


async def test_outage_before_first_chunk_returns_503() -> None:
    async def broken() -> AsyncIterator[Told]:
        yield Told(name="first")
        raise DependencyUnavailable("the store", 7)

    async def many(_asked: Asked) -> JsonStream:
        return stream_list("items", broken(), {})

    async with client(many) as http:
        response = await http.post("/ask", content=b'{"name": "a"}')
    assert (response.status_code, response.headers["retry-after"]) == (503, "7")


async def test_stream_memory_is_bounded() -> None:
    stream = stream_list("items", told(100, size=1_000_000), {})
    tracemalloc.start()
    size = 0
    async for chunk in stream.chunks():
        size += len(chunk)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert size > 100_000_000
    assert peak < 20_000_000
