"""Dispatch with handlers that the tests define."""

import asyncio
import tracemalloc
from collections.abc import AsyncIterator, Sequence
from typing import Annotated, cast
from uuid import UUID

import httpx
import pytest
from pydantic import Field

from shared.auth.credentials import Credentials
from shared.auth.sign_in import SignIn
from shared.errors import (
    DependencyTimedOut,
    DependencyUnavailable,
    InvalidRequest,
    NotAuthenticated,
    NotFound,
)
from shared.schemas.sign_in import SignInRequest
from shared.schemas.wire import Base64, Instant, Request, Response
from shared.store.users import Account
from shared.web.app import build_app
from shared.web.authentication import PasswordAuth
from shared.web.json_stream import JsonStream, stream_list, stream_mapping
from shared.web.routes import Handler, Route


class NameRequest(Request):
    name: Annotated[str, Field(max_length=5)]
    content: Annotated[bytes, Base64(min_bytes=2, max_bytes=3)] = b"ab"
    at: Instant | None = None
    more: Annotated[list[int], Field(min_length=1, max_length=2)] | None = None


class NameResponse(Response):
    name: str


def client(handler: Handler) -> httpx.AsyncClient:
    """Return a client of an app with one route."""
    return serving(
        Route("POST", "/test", "A test.", NameRequest, NameResponse, handler, [NotFound])
    )


def serving(route: Route) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(build_app([route]))
    return httpx.AsyncClient(transport=transport, base_url="http://x")


async def response_to(content: bytes) -> httpx.Response:
    async def handler(request: NameRequest) -> NameResponse:
        return NameResponse(name=request.name)

    async with client(handler) as http:
        return await http.post("/test", content=content)


async def test_handler_result_is_the_response() -> None:
    response = await response_to(b'{"NAME": "Bob"}')
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
    response = await response_to(body)
    assert response.status_code == 400
    assert response.json()["errors"] == [{"field": field, "message": message}]


@pytest.mark.parametrize("body", [b"", b"{", b'{"name": NaN}'], ids=repr)
async def test_body_that_is_not_json_is_rejected(body: bytes) -> None:
    response = await response_to(body)
    assert (response.status_code, response.json()["detail"]) == (400, "the body is not JSON")


@pytest.mark.parametrize(
    ("error", "status", "retry_after"),
    [
        (NotFound("no such thing"), 404, None),
        (InvalidRequest("no"), 400, None),
        (DependencyUnavailable("the database", 7), 503, "7"),
        (DependencyTimedOut("the database", 7), 504, "7"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
async def test_error_has_its_status_and_retry_after(
    error: Exception, status: int, retry_after: str | None
) -> None:
    async def handler(_request: NameRequest) -> None:
        raise error

    async with client(handler) as http:
        response = await http.post("/test", content=b'{"name": "a"}')
    assert response.status_code == status
    assert response.json()["detail"] == str(error)
    assert response.headers.get("retry-after") == retry_after


def items_of(count: int, size: int = 1) -> AsyncIterator[NameResponse]:
    async def items() -> AsyncIterator[NameResponse]:
        for number in range(count):
            yield NameResponse(name=f"{number}" * size)

    return items()


@pytest.mark.parametrize("count", [0, 1, 3, 5000])
async def test_streamed_list_is_equal_to_its_object(count: int) -> None:
    async def many(_request: NameRequest) -> JsonStream:
        return stream_list("items", items_of(count), {"others": ["a", 'b"']})

    async with client(many) as http:
        response = await http.post("/test", content=b'{"name": "a"}')
    assert response.json() == {
        "items": [{"name": str(number)} for number in range(count)],
        "others": ["a", 'b"'],
    }
    # A response of one chunk has a length; a streamed response has none.
    assert ("content-length" in response.headers) == (count < 5000)


async def test_streamed_mapping_is_equal_to_its_object() -> None:
    async def pairs() -> AsyncIterator[tuple[str, NameResponse]]:
        async for item in items_of(3):
            yield item.name, item

    async def many(_request: NameRequest) -> JsonStream:
        return stream_mapping("items", pairs())

    async with client(many) as http:
        response = await http.post("/test", content=b'{"name": "a"}')
    assert response.json() == {"items": {str(n): {"name": str(n)} for n in range(3)}}


async def test_outage_before_first_chunk_returns_503() -> None:
    async def broken() -> AsyncIterator[NameResponse]:
        yield NameResponse(name="first")
        raise DependencyUnavailable("the database", 7)

    async def many(_request: NameRequest) -> JsonStream:
        return stream_list("items", broken(), {})

    async with client(many) as http:
        response = await http.post("/test", content=b'{"name": "a"}')
    assert (response.status_code, response.headers["retry-after"]) == (503, "7")


async def test_stream_memory_is_bounded() -> None:
    stream = stream_list("items", items_of(100, size=1_000_000), {})
    tracemalloc.start()
    size, held = 0, 0
    async for chunk in stream.chunks():
        size += len(chunk)
        assert len(chunk) <= 64 * 1024
        held = max(held, tracemalloc.get_traced_memory()[0])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert size > 100_000_000
    assert peak < 20_000_000
    # An item of up to 2 MB and its JSON, while a client reads.
    assert held < 5_000_000


USER_ID = UUID("00000000-0000-4000-8000-000000000000")
ACCOUNT = cast("Account", object())


class NoteRequest(SignInRequest):
    note: str


class CountingSignIn(SignIn):
    """Accepts the password "right", and counts its calls."""

    def __init__(self) -> None:
        self.count = 0

    async def account(self, credentials: Credentials) -> Account:
        self.count += 1
        await asyncio.sleep(0)
        if credentials != (USER_ID, "right"):
            raise NotAuthenticated("wrong password")
        return ACCOUNT


def signing_in(handler: Handler, sign_in: SignIn, *, is_grouped: bool) -> Route:
    """Return a route that requires a password."""
    return Route(
        "PUT",
        "/note",
        "A test.",
        NoteRequest,
        None,
        handler,
        auth=PasswordAuth(sign_in),
        group_bytes=(lambda _request: 1) if is_grouped else None,
    )


def note(text: str, password: str = "right") -> dict[str, str]:  # noqa: S107 - of a fake
    return {"userId": str(USER_ID), "password": password, "note": text}


async def test_handler_gets_the_signed_in_account() -> None:
    calls: list[tuple[str, Account]] = []

    async def handler(request: NoteRequest, account: Account) -> None:
        calls.append((request.note, account))

    async with serving(signing_in(handler, CountingSignIn(), is_grouped=False)) as http:
        statuses = [
            (await http.put("/note", json=body)).status_code
            for body in (note("a"), note("b", "wrong"))
        ]
    assert statuses == [200, 401]
    assert calls == [("a", ACCOUNT)]


async def test_invalid_body_is_rejected_before_sign_in() -> None:
    async def handler(_request: NoteRequest, _account: Account) -> None:
        raise AssertionError

    sign_in = CountingSignIn()
    async with serving(signing_in(handler, sign_in, is_grouped=False)) as http:
        response = await http.put("/note", json=note("a") | {"note": 7})
    assert (response.status_code, sign_in.count) == (400, 0)


async def test_password_auth_rejects_body_without_credentials() -> None:
    async def handler(_request: NameRequest, _account: Account) -> None:
        raise AssertionError

    auth = PasswordAuth(CountingSignIn())
    route = Route("POST", "/test", "A test.", NameRequest, None, handler, auth=auth)
    async with serving(route) as http:
        assert (await http.post("/test", content=b'{"name": "a"}')).status_code == 500


async def test_grouped_requests_share_sign_in_and_handler_call() -> None:
    groups: list[list[str]] = []
    has_begun, may_end = asyncio.Event(), asyncio.Event()

    async def handler(requests: Sequence[NoteRequest], account: Account) -> None:
        assert account is ACCOUNT
        groups.append([request.note for request in requests])
        has_begun.set()
        await may_end.wait()

    sign_in = CountingSignIn()
    async with serving(signing_in(handler, sign_in, is_grouped=True)) as http:
        first = asyncio.create_task(http.put("/note", json=note("0")))
        await has_begun.wait()
        others = [asyncio.create_task(http.put("/note", json=note(text))) for text in "123"]
        wrong = await http.put("/note", json=note("4", "wrong"))
        may_end.set()
        responses = await asyncio.gather(first, *others)
    assert [response.status_code for response in responses] == [200] * 4
    assert wrong.status_code == 401
    assert groups == [["0"], ["1", "2", "3"]]
    assert sign_in.count == 3  # one for each group, and one for the wrong password
