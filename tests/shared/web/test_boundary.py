"""The outermost exception handler."""

import logging

import httpx
import pytest
from starlette.requests import ClientDisconnect
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.errors import DependencyUnavailable
from shared.web import boundary
from shared.web.boundary import Boundary
from shared.web.dispatch import Router
from shared.web.features import Features
from shared.web.request_log import RequestLog

MESSAGE = "SECRET"


class UnforeseenError(Exception):
    """An exception whose message must not be logged or returned."""


async def broken(_scope: Scope, _receive: Receive, _send: Send) -> None:
    raise UnforeseenError(MESSAGE)


async def broken_during_response(_scope: Scope, _receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"half", "more_body": True})
    raise UnforeseenError(MESSAGE)


async def disconnected(_scope: Scope, _receive: Receive, _send: Send) -> None:
    raise ClientDisconnect


async def call(app: ASGIApp) -> httpx.Response:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://x") as http:
        return await http.get("/v2/broken")


async def sent_by(app: ASGIApp) -> list[Message]:
    """Return the messages that an app sends to the server."""
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message)

    await app({"type": "http", "method": "GET", "path": "/x", "headers": []}, receive, send)
    return sent


def logged(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    return [record for record in caplog.records if record.name == boundary.logger.name]


async def test_exception_returns_500_without_its_message(
    caplog: pytest.LogCaptureFixture,
) -> None:
    response = await call(Boundary(broken))
    assert response.status_code == 500
    assert response.headers["content-type"] == "application/problem+json"
    assert response.headers["access-control-allow-origin"] == "*"
    assert MESSAGE not in response.text
    [record] = logged(caplog)
    assert record.levelno == logging.ERROR
    assert record.getMessage() == "UnforeseenError in a request"
    assert record.exc_info is not None
    assert record.exc_info[0] is UnforeseenError


async def test_exception_is_logged_with_route_not_path(
    caplog: pytest.LogCaptureFixture,
) -> None:
    await call(RequestLog(Boundary(Router([], {"/{id}": broken}, Features()))))
    [record] = logged(caplog)
    assert record.getMessage() == "UnforeseenError in GET /{id}"


async def test_interrupted_response_stays_incomplete(caplog: pytest.LogCaptureFixture) -> None:
    sent = await sent_by(Boundary(broken_during_response))
    assert [message["type"] for message in sent] == ["http.response.start", "http.response.body"]
    assert sent[-1]["more_body"]
    assert len(logged(caplog)) == 1


async def test_outage_during_response_is_logged_as_warning(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def cut_off(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise DependencyUnavailable("the database", 1)

    sent = await sent_by(Boundary(cut_off))
    assert [message["type"] for message in sent] == ["http.response.start"]
    [record] = logged(caplog)
    assert (record.levelno, record.exc_info) == (logging.WARNING, None)


async def test_disconnect_is_not_answered_or_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    assert await sent_by(Boundary(disconnected)) == []
    assert not logged(caplog)


async def test_response_of_working_app_is_unchanged() -> None:
    response = await call(Boundary(PlainTextResponse("fine")))
    assert (response.status_code, response.text) == (200, "fine")
