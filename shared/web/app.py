"""An ASGI app from routes: both prefixes, health, readiness, OpenAPI document, CORS, gzip."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial

from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket

from shared.telemetry.current_request import note_route
from shared.web.boundary import Boundary
from shared.web.dispatch import Router, method_not_allowed, no_such_socket
from shared.web.paths import Paths
from shared.web.readiness import Dependency, Readiness
from shared.web.request_log import RequestLog
from shared.web.routes import Route
from shared.web.unread_body import UnreadBody

_GZIP_FROM_BYTES = 1024
_GZIP_LEVEL = 4  # payloads are base64 of noise: higher levels cost more and gain nothing


Sockets = Mapping[str, Callable[[WebSocket], Awaitable[None]]]
"""Who serves WebSockets, by the path, without the prefix."""


def build_app(
    routes: Sequence[Route],
    sockets: Sockets | None = None,
    dependencies: Sequence[Dependency] = (),
) -> ASGIApp:
    """Return the app that serves `routes` and `sockets`; nothing it raises reaches the server.

    With all `dependencies` at hand it says that it is ready.
    """
    readable = {
        "/health": _Readable(_healthy),
        "/health/ready": _Readable(Readiness(dependencies).respond),
        "/openapi.json": _Readable(partial(_describe, routes)),
    }
    app: ASGIApp = Router(routes, readable)
    app = GZipMiddleware(app, minimum_size=_GZIP_FROM_BYTES, compresslevel=_GZIP_LEVEL)
    app = CORSMiddleware(
        app,
        allow_origins=["*"],
        allow_methods=["*"],
        allow_headers=["*"],
        allow_private_network=True,
    )
    return UnreadBody(RequestLog(Boundary(_BesideSockets(app, sockets or {}))))


class _BesideSockets:
    """Serves WebSockets past what is for HTTP alone: every layer costs each connection memory."""

    def __init__(self, app: ASGIApp, sockets: Sockets) -> None:
        self._app = app
        self._sockets = Paths(sockets)

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        if scope["type"] != "websocket":
            return self._app(scope, receive, send)
        socket = WebSocket(scope, receive, send)
        found = self._sockets.find(scope["path"])
        if found is None:
            return no_such_socket(socket)
        note_route(found.template)
        return found.target(socket)


class _Readable:
    """A path that anyone may GET; an ASGI app, because Starlette gives it every method."""

    def __init__(self, respond: Callable[[], Awaitable[Response]]) -> None:
        self._respond = respond

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] in ("GET", "HEAD"):
            response = await self._respond()
        else:
            response = method_not_allowed(scope["path"], ["GET", "HEAD"])
        await response(scope, receive, send)


async def _healthy() -> Response:
    return PlainTextResponse("healthy")


async def _describe(routes: Sequence[Route]) -> Response:
    from shared.web.openapi import describe  # noqa: PLC0415 - only developers ask for it

    return JSONResponse(describe(routes))
