"""The outermost catch: whatever else goes wrong is logged once and answered 500, and ends here.

Re-raising would make the Functions Framework answer a second time.
"""

import logging
from contextlib import suppress
from http import HTTPStatus

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocket

from shared.errors import LiftLogError
from shared.telemetry.current_request import current_request, note_failure
from shared.web.problems import problem

logger = logging.getLogger(__name__)


class Boundary:
    """Wraps an app that may have bugs."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; never raises anything but cancellation."""
        started = False

        async def watch(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._app(scope, receive, watch)
        except ClientDisconnect:
            return  # Nobody is left to answer.
        except Exception as error:  # noqa: BLE001 - this is the place where everything is caught
            _log(error)
            if not started:
                with suppress(OSError, RuntimeError):  # nobody can be answered any more
                    await _answer(scope, receive, send)
            # A response that has begun cannot be taken back: left unfinished, the server cuts the
            # connection, and the client knows that it does not have everything.


async def _answer(scope: Scope, receive: Receive, send: Send) -> None:
    response = problem(
        HTTPStatus.INTERNAL_SERVER_ERROR,
        "something is wrong on our side",
        scope["path"],
        headers={"Access-Control-Allow-Origin": "*"},
    )
    if scope["type"] == "websocket":
        await WebSocket(scope, receive, send).send_denial_response(response)
    else:
        await response(scope, receive, send)


def _log(error: Exception) -> None:
    if isinstance(error, LiftLogError):  # too late for another status
        note_failure(logging.WARNING)
        logger.warning("an answer was broken off: %s", str(error))
        return
    note_failure(logging.ERROR)
    request = current_request()
    where = f"{request.method} {request.route}" if request else "a request"
    logger.error("%s in %s", type(error).__name__, where, exc_info=error)
