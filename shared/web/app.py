"""The ASGI app of a service: its routes, health, readiness, OpenAPI document, CORS and gzip."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial

from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket

from shared.telemetry.current_request import note_route
from shared.web.boundary import Boundary
from shared.web.dispatch import Router, method_not_allowed, reject_socket
from shared.web.paths import Paths
from shared.web.readiness import Dependency, Readiness
from shared.web.request_log import RequestLog
from shared.web.routes import Route
from shared.web.unread_body import UnreadBody

_MIN_GZIP_BYTES = 1024
# Payloads are base64 of encrypted bytes, which higher levels do not make smaller.
_GZIP_LEVEL = 4


Sockets = Mapping[str, Callable[[WebSocket], Awaitable[None]]]
"""The handlers of WebSockets, by their paths without the prefix."""


def build_app(
    routes: Sequence[Route],
    sockets: Sockets | None = None,
    dependencies: Sequence[Dependency] = (),
) -> ASGIApp:
    """Return the app that serves `routes` and `sockets`.

    The app handles every exception itself. It reports ready while all `dependencies` are available.
    """
    open_paths = {
        "/health": _OpenPath(_healthy),
        "/health/ready": _OpenPath(Readiness(dependencies).respond),
        "/openapi.json": _OpenPath(partial(_describe, routes)),
    }
    app: ASGIApp = Router(routes, open_paths)
    app = GZipMiddleware(app, minimum_size=_MIN_GZIP_BYTES, compresslevel=_GZIP_LEVEL)
    app = CORSMiddleware(
        app,
        # Any origin: requests carry their credentials in the body or a header, never in cookies.
        allow_origins=["*"],
        allow_methods=["*"],
        allow_headers=["*"],
        # Pages may read all headers of responses, such as `Retry-After` and `ETag`.
        expose_headers=["*"],
        # Browsers ask for this in the preflight for a server in a private network.
        allow_private_network=True,
    )
    # From outside in: every response is logged, also the 500 of the boundary, and the body of every
    # request is read or discarded.
    return UnreadBody(RequestLog(Boundary(_SocketRouter(app, sockets or {}))))


class _SocketRouter:
    """Serves WebSockets without the HTTP middleware, which would cost memory per connection."""

    def __init__(self, app: ASGIApp, sockets: Sockets) -> None:
        self._app = app
        self._sockets = Paths(sockets)

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        if scope["type"] != "websocket":
            return self._app(scope, receive, send)
        socket = WebSocket(scope, receive, send)
        found = self._sockets.find(scope["path"])
        if found is None:
            return reject_socket(socket)
        note_route(found.template)
        return found.target(socket)


class _OpenPath:
    """A path without sign-in that supports GET and HEAD."""

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
    from shared.web.openapi import describe  # noqa: PLC0415 - slow, and used only by developers

    return JSONResponse(describe(routes))
