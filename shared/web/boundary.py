"""The outermost exception handler: logs every other exception once and responds with 500.

It does not re-raise: the Functions Framework would send a second response.
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
    """Wraps an app and handles its exceptions."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; raises only `CancelledError`."""
        started = False

        async def watch(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._app(scope, receive, watch)
        except ClientDisconnect:
            # The client no longer reads a response, and a disconnect is not an error.
            return
        except Exception as error:  # noqa: BLE001 - the one place that catches everything
            _log(error)
            if not started:
                # The connection can be closed by now.
                with suppress(OSError, RuntimeError):
                    await _respond(scope, receive, send)
            # A response that has started cannot be replaced. It stays incomplete: the server closes
            # the connection, so that the client detects the error.


async def _respond(scope: Scope, receive: Receive, send: Send) -> None:
    response = problem(
        HTTPStatus.INTERNAL_SERVER_ERROR,
        "internal server error",
        scope["path"],
        # The CORS middleware is inside this handler, so its header is missing here.
        headers={"Access-Control-Allow-Origin": "*"},
    )
    if scope["type"] == "websocket":
        await WebSocket(scope, receive, send).send_denial_response(response)
    else:
        await response(scope, receive, send)


def _log(error: Exception) -> None:
    # The response had started, so dispatch could not report the error by a status.
    if isinstance(error, LiftLogError):
        note_failure(logging.WARNING)
        logger.warning("response incomplete: %s", str(error))
        return
    note_failure(logging.ERROR)
    request = current_request()
    subject = f"{request.method} {request.route}" if request else "a request"
    logger.error("%s in %s", type(error).__name__, subject, exc_info=error)
