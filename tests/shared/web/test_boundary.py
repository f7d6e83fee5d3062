"""The outermost catch."""

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
from shared.web.request_log import RequestLog

MESSAGE = "SECRET"


class UnforeseenError(Exception):
    """Says something that nobody may see."""


async def broken(_scope: Scope, _receive: Receive, _send: Send) -> None:
    raise UnforeseenError(MESSAGE)


async def broken_in_the_middle(_scope: Scope, _receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"half", "more_body": True})
    raise UnforeseenError(MESSAGE)


async def left_alone(_scope: Scope, _receive: Receive, _send: Send) -> None:
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


async def test_a_bug_is_answered_with_a_problem_that_tells_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    answer = await call(Boundary(broken))
    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["access-control-allow-origin"] == "*"
    assert MESSAGE not in answer.text
    [record] = logged(caplog)
    assert record.levelno == logging.ERROR
    assert record.getMessage() == "UnforeseenError in a request"
    assert record.exc_info is not None
    assert record.exc_info[0] is UnforeseenError


async def test_a_bug_is_logged_with_the_route_and_not_the_path(
    caplog: pytest.LogCaptureFixture,
) -> None:
    await call(RequestLog(Boundary(Router([], {"/{id}": broken}))))
    [record] = logged(caplog)
    assert record.getMessage() == "UnforeseenError in GET /{id}"


async def test_a_response_that_broke_off_is_not_completed(caplog: pytest.LogCaptureFixture) -> None:
    sent = await sent_by(Boundary(broken_in_the_middle))
    assert [message["type"] for message in sent] == ["http.response.start", "http.response.body"]
    assert sent[-1]["more_body"]
    assert len(logged(caplog)) == 1


async def test_an_outage_in_the_middle_of_an_answer_is_a_warning_and_no_report(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def cut_off(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise DependencyUnavailable("the store", 1)

    sent = await sent_by(Boundary(cut_off))
    assert [message["type"] for message in sent] == ["http.response.start"]
    [record] = logged(caplog)
    assert (record.levelno, record.exc_info) == (logging.WARNING, None)


async def test_a_client_that_went_away_is_neither_answered_nor_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    assert await sent_by(Boundary(left_alone)) == []
    assert not logged(caplog)


async def test_what_works_passes_untouched() -> None:
    answer = await call(Boundary(PlainTextResponse("fine")))
    assert (answer.status_code, answer.text) == (200, "fine")
