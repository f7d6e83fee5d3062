"""Log entries of requests."""

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
    FeatureNotConfigured,
    NotFound,
    Overloaded,
)
from shared.schemas.wire import Request
from shared.telemetry.current_request import current_request, note_documents, note_round_trip
from shared.web import request_log
from shared.web.app import build_app
from shared.web.boundary import Boundary
from shared.web.request_log import RequestLog
from shared.web.routes import Route, SocketRoute

SECRET = "SECRET-in-the-url"  # noqa: S105 - not a real one


class ThingRequest(Request):
    id: str


@pytest.fixture
def entries() -> Iterator[list[logging.LogRecord]]:
    """The log entries of requests."""
    entries: list[logging.LogRecord] = []

    def note(entry: logging.LogRecord) -> bool:
        entries.append(entry)
        return True

    request_log.logger.addFilter(note)
    yield entries
    request_log.logger.removeFilter(note)


def app_of(handler: Any) -> ASGIApp:
    return build_app([Route("GET", "/thing/{id}", "x", ThingRequest, None, handler)])


async def call(app: ASGIApp, method: str, path: str) -> httpx.Response:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://x") as http:
        return await http.request(method, path)


async def succeed(_request: ThingRequest) -> None:
    note_round_trip()
    note_documents(3)


async def test_request_is_logged_with_template_and_cost(
    entries: list[logging.LogRecord],
) -> None:
    await call(app_of(succeed), "GET", f"/v2/thing/{SECRET}?password={SECRET}")
    [entry] = entries
    fields: dict[str, Any] = vars(entry)
    assert entry.levelno == logging.INFO
    assert entry.getMessage().startswith("GET /thing/{id} 200 ")
    assert entry.getMessage().endswith(" ms")
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


async def test_round_trips_of_subtasks_are_counted(entries: list[logging.LogRecord]) -> None:
    async def handler(request: ThingRequest) -> None:
        await asyncio.gather(succeed(request), succeed(request))

    await call(app_of(handler), "GET", "/thing/1")
    assert vars(entries[0])["json_fields"]["round_trips"] == 2


async def test_concurrent_requests_are_counted_separately(entries: list[logging.LogRecord]) -> None:
    async def handler(request: ThingRequest) -> None:
        for _ in range(int(request.id)):
            await asyncio.sleep(0)
            note_round_trip()

    app = app_of(handler)
    await asyncio.gather(*(call(app, "GET", f"/thing/{count}") for count in (1, 2, 3)))
    assert sorted(vars(entry)["json_fields"]["round_trips"] for entry in entries) == [1, 2, 3]
    assert current_request() is None


@pytest.mark.parametrize(
    ("error", "status", "level"),
    [
        (NotFound("x"), 404, logging.INFO),
        (FeatureNotConfigured("x"), 501, logging.INFO),
        (DependencyFailed("x", 1), 502, logging.WARNING),
        (DependencyUnavailable("x", 1), 503, logging.WARNING),
        (DependencyTimedOut("x", 1), 504, logging.WARNING),
        (KeyError("x"), 500, logging.ERROR),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)
async def test_log_level_depends_on_status(
    entries: list[logging.LogRecord], error: Exception, status: int, level: int
) -> None:
    async def handler(_request: ThingRequest) -> None:
        raise error

    await call(app_of(handler), "GET", "/thing/1")
    [entry] = entries
    assert (entry.levelno, vars(entry)["json_fields"]["status"]) == (level, status)


async def test_outage_is_logged_with_reason(entries: list[logging.LogRecord]) -> None:
    async def handler(_request: ThingRequest) -> None:
        raise Overloaded("passwords to hash", 1)

    await call(app_of(handler), "GET", "/thing/1")
    [entry] = entries
    reason = "too many passwords to hash at the moment"
    assert entry.getMessage().endswith(f" ms: {reason}")
    assert vars(entry)["json_fields"]["reason"] == reason


async def test_client_error_is_logged_without_reason(entries: list[logging.LogRecord]) -> None:
    async def handler(_request: ThingRequest) -> None:
        raise NotFound("no such thing")

    await call(app_of(handler), "GET", "/thing/1")
    assert entries[0].getMessage().endswith(" ms")
    assert "reason" not in vars(entries[0])["json_fields"]


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("GET", f"/{SECRET}", "GET (no such route) 404"),
        ("POST", f"/thing/{SECRET}", "POST /thing/{id} 405"),
        ("SECRET", "/thing/1", "_OTHER /thing/{id} 405"),
        ("GET", "/openapi.json", "GET /openapi.json 200"),
    ],
)
async def test_log_contains_no_client_input(
    entries: list[logging.LogRecord], method: str, path: str, expected: str
) -> None:
    await call(app_of(succeed), method, path)
    assert entries[0].getMessage().startswith(expected)
    assert "SECRET" not in json.dumps(vars(entries[0]), default=repr)


async def test_preflight_is_logged_as_preflight(entries: list[logging.LogRecord]) -> None:
    headers = {"Origin": "https://x", "Access-Control-Request-Method": "PUT"}
    transport = httpx.ASGITransport(app_of(succeed))
    async with httpx.AsyncClient(transport=transport, base_url="http://x") as http:
        await http.options("/thing/1", headers=headers)
        await http.options("/thing/1")
    preflight, other = (entry.getMessage() for entry in entries)
    assert preflight.startswith("OPTIONS (preflight) 200")
    assert other.startswith("OPTIONS /thing/{id} 405")


async def test_health_requests_are_logged_at_debug_level(entries: list[logging.LogRecord]) -> None:
    for path in ("/health", "/v2/health"):
        assert (await call(app_of(succeed), "GET", path)).text == "healthy"
    assert [entry.levelno for entry in entries if entry.levelno > logging.DEBUG] == []


async def exchange(app: ASGIApp, scope: Scope, received: list[Message]) -> list[Message]:
    """Send messages to `app`; return the messages it sends."""
    sent: list[Message] = []
    messages = iter(received)

    async def receive() -> Message:
        return next(messages)

    async def send(message: Message) -> None:
        sent.append(message)

    await app({"path": f"/{SECRET}", "headers": [], **scope}, receive, send)
    return sent


async def disconnected(_scope: Scope, _receive: Receive, _send: Send) -> None:
    """Return without a response, as an app does after a disconnect."""


async def respond_incompletely(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"half", "more_body": True})


@pytest.mark.parametrize(
    "app", [disconnected, respond_incompletely], ids=["no response", "incomplete response"]
)
async def test_disconnect_is_logged_as_499(entries: list[logging.LogRecord], app: ASGIApp) -> None:
    await exchange(RequestLog(app), {"type": "http", "method": "GET"}, [])
    [entry] = entries
    assert (entry.levelno, vars(entry)["http_request"]["status"]) == (logging.INFO, 499)


async def test_disconnect_during_handler_is_logged_as_499(
    entries: list[logging.LogRecord],
) -> None:
    async def handler(_request: ThingRequest) -> None:
        raise ClientDisconnect

    await call_with_disconnect(app_of(handler))
    assert [vars(entry)["json_fields"]["status"] for entry in entries] == [499]


async def call_with_disconnect(app: ASGIApp) -> None:
    scope = {"type": "http", "method": "GET", "path": "/thing/1", "query_string": b""}
    await exchange(app, scope, [{"type": "http.disconnect"}])


@pytest.mark.parametrize(
    ("error", "level"),
    [(KeyError(SECRET), logging.ERROR), (DependencyUnavailable("x", 1), logging.WARNING)],
    ids=["exception", "outage"],
)
async def test_interrupted_response_has_level_of_its_error(
    entries: list[logging.LogRecord], error: Exception, level: int
) -> None:
    async def broken() -> Any:
        yield b"half"
        raise error

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await StreamingResponse(broken())(scope, receive, send)

    scope = {"type": "http", "method": "GET", "asgi": {"spec_version": "2.4"}}
    await exchange(RequestLog(Boundary(app)), scope, [])
    assert [(entry.levelno, vars(entry)["json_fields"]["status"]) for entry in entries] == [
        (level, 200)
    ]


async def test_response_size_is_logged(entries: list[logging.LogRecord]) -> None:
    await call(RequestLog(PlainTextResponse("twelve bytes")), "GET", "/")
    assert vars(entries[0])["http_request"]["responseSize"] == "12"


async def serve_socket(serve: Any, received: list[Message], path: str = "/socket") -> None:
    app = build_app([], [SocketRoute("/socket", serve)])
    scope = {"type": "websocket", "path": path, "query_string": f"access_token={SECRET}".encode()}
    await exchange(app, {**scope, "extensions": {"websocket.http.response": {}}}, received)


async def serve_until_disconnect(socket: WebSocket) -> None:
    await socket.accept()
    try:
        while True:
            await socket.receive_text()
            note_round_trip()
    except WebSocketDisconnect:
        pass


async def test_websocket_is_logged_once_at_its_end(entries: list[logging.LogRecord]) -> None:
    messages: list[Message] = [{"type": "websocket.receive", "text": SECRET}] * 3
    await serve_socket(
        serve_until_disconnect,
        [{"type": "websocket.connect"}, *messages, {"type": "websocket.disconnect", "code": 1000}],
    )
    [entry] = entries
    assert entry.getMessage().startswith("WebSocket /socket 101 ")
    assert vars(entry)["json_fields"]["round_trips"] == 3
    assert entry.levelno == logging.INFO


async def test_unknown_websocket_is_logged_without_path(
    entries: list[logging.LogRecord],
) -> None:
    await serve_socket(serve_until_disconnect, [{"type": "websocket.connect"}], f"/{SECRET}")
    assert entries[0].getMessage().startswith("WebSocket (no such route) 404 ")


async def test_rejected_websocket_is_logged_as_403(
    entries: list[logging.LogRecord],
) -> None:
    async def refuse(socket: WebSocket) -> None:
        await socket.close()

    await serve_socket(refuse, [{"type": "websocket.connect"}])
    assert entries[0].getMessage().startswith("WebSocket /socket 403 ")


async def test_failed_websocket_is_logged_as_error(entries: list[logging.LogRecord]) -> None:
    async def fail(socket: WebSocket) -> None:
        await socket.accept()
        raise KeyError(SECRET)

    await serve_socket(fail, [{"type": "websocket.connect"}])
    assert entries[0].levelno == logging.ERROR
