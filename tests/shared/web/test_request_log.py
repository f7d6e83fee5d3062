"""A line per request."""

import asyncio
import json
import logging
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from starlette.requests import ClientDisconnect
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect

from shared.errors import (
    DependencyFailed,
    DependencyTimedOut,
    DependencyUnavailable,
    NotFound,
    Overloaded,
)
from shared.schemas.wire import Request
from shared.telemetry.current_request import current_request, note_documents, note_round_trip
from shared.web import request_log
from shared.web.app import build_app
from shared.web.boundary import Boundary
from shared.web.request_log import RequestLog
from shared.web.routes import Route

SECRET = "SECRET-in-the-address"  # noqa: S105 - one that we made up


class Ask(Request):
    id: str


@pytest.fixture
def told() -> Iterator[list[logging.LogRecord]]:
    """The lines about requests, as they are told."""
    lines: list[logging.LogRecord] = []

    def note(line: logging.LogRecord) -> bool:
        lines.append(line)
        return True

    request_log.logger.addFilter(note)
    yield lines
    request_log.logger.removeFilter(note)


def app_of(handler: Any) -> ASGIApp:
    return build_app([Route("GET", "/thing/{id}", "x", Ask, None, handler)])


async def call(app: ASGIApp, method: str, path: str) -> httpx.Response:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://x") as http:
        return await http.request(method, path)


async def fine(_ask: Ask) -> None:
    note_round_trip()
    note_documents(3)


async def test_a_request_is_told_with_its_template_and_what_it_cost(
    told: list[logging.LogRecord],
) -> None:
    await call(app_of(fine), "GET", f"/v2/thing/{SECRET}?password={SECRET}")
    [line] = told
    fields: dict[str, Any] = vars(line)
    assert line.levelno == logging.INFO
    assert line.getMessage().startswith("GET /thing/{id} 200 ")
    assert line.getMessage().endswith(" ms")
    assert fields["http_request"].pop("latency").endswith("s")
    assert fields["http_request"] == {
        "requestMethod": "GET",
        "requestUrl": "/thing/{id}",
        "status": 200,
        "responseSize": "0",
        "protocol": "HTTP/1.1",
    }
    assert fields["json_fields"].pop("duration_ms") >= 0
    assert fields["json_fields"] == {
        "route": "/thing/{id}",
        "status": 200,
        "round_trips": 1,
        "documents_read": 3,
    }


async def test_tasks_of_a_request_count_for_it(told: list[logging.LogRecord]) -> None:
    async def handler(ask: Ask) -> None:
        await asyncio.gather(fine(ask), fine(ask))

    await call(app_of(handler), "GET", "/thing/1")
    assert vars(told[0])["json_fields"]["round_trips"] == 2


async def test_requests_at_the_same_time_count_apart(told: list[logging.LogRecord]) -> None:
    async def handler(ask: Ask) -> None:
        for _ in range(int(ask.id)):
            await asyncio.sleep(0)
            note_round_trip()

    app = app_of(handler)
    await asyncio.gather(*(call(app, "GET", f"/thing/{count}") for count in (1, 2, 3)))
    assert sorted(vars(line)["json_fields"]["round_trips"] for line in told) == [1, 2, 3]
    assert current_request() is None


@pytest.mark.parametrize(
    ("error", "status", "level"),
    [
        (NotFound("x"), 404, logging.INFO),
        (DependencyFailed("x", 1), 502, logging.WARNING),
        (DependencyUnavailable("x", 1), 503, logging.WARNING),
        (DependencyTimedOut("x", 1), 504, logging.WARNING),
        (KeyError("x"), 500, logging.ERROR),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)
async def test_the_level_says_how_bad_it_is(
    told: list[logging.LogRecord], error: Exception, status: int, level: int
) -> None:
    async def handler(_ask: Ask) -> None:
        raise error

    await call(app_of(handler), "GET", "/thing/1")
    [line] = told
    assert (line.levelno, vars(line)["json_fields"]["status"]) == (level, status)


async def test_what_we_cannot_do_is_told_with_the_reason(told: list[logging.LogRecord]) -> None:
    async def handler(_ask: Ask) -> None:
        raise Overloaded("passwords to hash", 1)

    await call(app_of(handler), "GET", "/thing/1")
    [line] = told
    reason = "too many passwords to hash at the moment"
    assert line.getMessage().endswith(f" ms: {reason}")
    assert vars(line)["json_fields"]["reason"] == reason


async def test_what_the_client_did_wrong_needs_no_reason(told: list[logging.LogRecord]) -> None:
    async def handler(_ask: Ask) -> None:
        raise NotFound("no such thing")

    await call(app_of(handler), "GET", "/thing/1")
    assert told[0].getMessage().endswith(" ms")
    assert "reason" not in vars(told[0])["json_fields"]


@pytest.mark.parametrize(
    ("method", "path", "told_as"),
    [
        ("GET", f"/{SECRET}", "GET (no such route) 404"),
        ("POST", f"/thing/{SECRET}", "POST /thing/{id} 405"),
        ("SECRET", "/thing/1", "_OTHER /thing/{id} 405"),
        ("GET", "/openapi.json", "GET /openapi.json 200"),
    ],
)
async def test_nothing_of_a_clients_own_words_is_told(
    told: list[logging.LogRecord], method: str, path: str, told_as: str
) -> None:
    await call(app_of(fine), method, path)
    assert told[0].getMessage().startswith(told_as)
    assert "SECRET" not in json.dumps(vars(told[0]), default=repr)


async def test_a_browsers_preflight_is_told_as_one(told: list[logging.LogRecord]) -> None:
    headers = {"Origin": "https://x", "Access-Control-Request-Method": "PUT"}
    transport = httpx.ASGITransport(app_of(fine))
    async with httpx.AsyncClient(transport=transport, base_url="http://x") as http:
        await http.options("/thing/1", headers=headers)
        await http.options("/thing/1")
    preflight, other = (line.getMessage() for line in told)
    assert preflight.startswith("OPTIONS (preflight) 200")
    assert other.startswith("OPTIONS /thing/{id} 405")


async def test_health_is_asked_for_too_often_to_be_told(told: list[logging.LogRecord]) -> None:
    for path in ("/health", "/v2/health"):
        assert (await call(app_of(fine), "GET", path)).text == "healthy"
    assert [line.levelno for line in told if line.levelno > logging.DEBUG] == []


async def through(app: ASGIApp, scope: Scope, received: list[Message]) -> list[Message]:
    """Send messages to `app`; return its own."""
    sent: list[Message] = []
    coming = iter(received)

    async def receive() -> Message:
        return next(coming)

    async def send(message: Message) -> None:
        sent.append(message)

    await app({"path": f"/{SECRET}", "headers": [], **scope}, receive, send)
    return sent


async def hung_up_on(_scope: Scope, _receive: Receive, _send: Send) -> None:
    """Stand for an app below the boundary, which ends without an answer."""


async def half(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"half", "more_body": True})


@pytest.mark.parametrize("app", [hung_up_on, half], ids=["without an answer", "in its middle"])
async def test_a_client_that_hung_up_is_told_as_499(
    told: list[logging.LogRecord], app: ASGIApp
) -> None:
    await through(RequestLog(app), {"type": "http", "method": "GET"}, [])
    [line] = told
    assert (line.levelno, vars(line)["http_request"]["status"]) == (logging.INFO, 499)


async def test_a_client_that_hangs_up_on_a_plan_is_told_as_499(
    told: list[logging.LogRecord],
) -> None:
    async def handler(_ask: Ask) -> None:
        raise ClientDisconnect

    await call_without_answer(app_of(handler))
    assert [vars(line)["json_fields"]["status"] for line in told] == [499]


async def call_without_answer(app: ASGIApp) -> None:
    scope = {"type": "http", "method": "GET", "path": "/thing/1", "query_string": b""}
    await through(app, scope, [{"type": "http.disconnect"}])


@pytest.mark.parametrize(
    ("error", "level"),
    [(KeyError(SECRET), logging.ERROR), (DependencyUnavailable("x", 1), logging.WARNING)],
    ids=["a bug", "an outage"],
)
async def test_an_answer_that_we_broke_off_is_told_as_bad_as_its_reason(
    told: list[logging.LogRecord], error: Exception, level: int
) -> None:
    async def broken() -> Any:
        yield b"half"
        raise error

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await StreamingResponse(broken())(scope, receive, send)

    scope = {"type": "http", "method": "GET", "asgi": {"spec_version": "2.4"}}
    await through(RequestLog(Boundary(app)), scope, [])
    assert [(line.levelno, vars(line)["json_fields"]["status"]) for line in told] == [(level, 200)]


async def test_the_size_is_that_of_what_was_sent(told: list[logging.LogRecord]) -> None:
    await call(RequestLog(PlainTextResponse("twelve bytes")), "GET", "/")
    assert vars(told[0])["http_request"]["responseSize"] == "12"


async def served_socket(serve: Any, received: list[Message], path: str = "/talk") -> None:
    app = build_app([], {"/talk": serve})
    scope = {"type": "websocket", "path": path, "query_string": f"access_token={SECRET}".encode()}
    await through(app, {**scope, "extensions": {"websocket.http.response": {}}}, received)


async def talk(socket: WebSocket) -> None:
    await socket.accept()
    try:
        while True:
            await socket.receive_text()
            note_round_trip()
    except WebSocketDisconnect:
        pass


async def test_a_websocket_is_told_once_when_it_has_ended(told: list[logging.LogRecord]) -> None:
    words: list[Message] = [{"type": "websocket.receive", "text": SECRET}] * 3
    await served_socket(
        talk,
        [{"type": "websocket.connect"}, *words, {"type": "websocket.disconnect", "code": 1000}],
    )
    [line] = told
    assert line.getMessage().startswith("WebSocket /talk 101 ")
    assert vars(line)["json_fields"]["round_trips"] == 3
    assert line.levelno == logging.INFO


async def test_a_websocket_that_nobody_serves_is_told_without_its_path(
    told: list[logging.LogRecord],
) -> None:
    await served_socket(talk, [{"type": "websocket.connect"}], f"/{SECRET}")
    assert told[0].getMessage().startswith("WebSocket (no such route) 404 ")


async def test_a_websocket_that_is_closed_unaccepted_is_told_as_forbidden(
    told: list[logging.LogRecord],
) -> None:
    async def refuse(socket: WebSocket) -> None:
        await socket.close()

    await served_socket(refuse, [{"type": "websocket.connect"}])
    assert told[0].getMessage().startswith("WebSocket /talk 403 ")


async def test_a_websocket_that_fails_is_an_error(told: list[logging.LogRecord]) -> None:
    async def fail(socket: WebSocket) -> None:
        await socket.accept()
        raise KeyError(SECRET)

    await served_socket(fail, [{"type": "websocket.connect"}])
    assert told[0].levelno == logging.ERROR
