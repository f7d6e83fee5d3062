"""The ASGI app of a service: its routes, health, readiness, OpenAPI document, CORS and gzip."""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial

from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket

from shared.telemetry.current_request import note_route
from shared.web.boundary import Boundary
from shared.web.dispatch import Router, method_not_allowed, reject_socket
from shared.web.features import Features
from shared.web.paths import Paths
from shared.web.readiness import Dependency, Readiness
from shared.web.refused_paths import RefusedPaths
from shared.web.request_log import RequestLog
from shared.web.routes import Route, SocketRoute
from shared.web.unread_body import UnreadBody

_MIN_GZIP_BYTES = 1024
# Payloads are base64 of encrypted bytes, which higher levels do not make smaller.
_GZIP_LEVEL = 4


def build_app(
    routes: Sequence[Route],
    sockets: Sequence[SocketRoute] = (),
    dependencies: Sequence[Dependency] = (),
    features: Features | None = None,
) -> ASGIApp:
    """Return the app that serves `routes` and `sockets`.

    The app handles every exception itself. It reports ready while all `dependencies` are available.
    It answers `/features` if it has `features`. Routes of features that are off are rejected.
    """
    open_paths: dict[str, ASGIApp] = {
        "/health": _OpenPath(_healthy),
        "/health/ready": _OpenPath(Readiness(dependencies).respond),
        "/openapi.json": _OpenPath(partial(_describe, routes)),
    }
    if features is not None:
        open_paths["/features"] = _OpenPath(partial(_features, features))
    offered = features or Features()
    app: ASGIApp = RefusedPaths(Router(routes, open_paths, offered), sockets, offered)
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
    return UnreadBody(
        RequestLog(Boundary(_ByType(app, RefusedPaths(_Sockets(sockets), sockets, offered))))
    )


class _ByType:
    """Serves WebSockets without the HTTP middleware, which would cost memory per connection."""

    def __init__(self, http: ASGIApp, websocket: ASGIApp) -> None:
        self._apps = {"http": http, "websocket": websocket}

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        return self._apps[scope["type"]](scope, receive, send)


class _Sockets:
    """Serves WebSockets."""

    def __init__(self, sockets: Sequence[SocketRoute]) -> None:
        self._sockets = Paths({each.path: each.handler for each in sockets})

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
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


async def _features(features: Features) -> Response:
    return Response(
        features.describe().model_dump_json(),
        media_type="application/json",
        # A proxy must not hide a change of the settings.
        headers={"Cache-Control": "no-store"},
    )


async def _describe(routes: Sequence[Route]) -> Response:
    from shared.web.openapi import describe  # noqa: PLC0415 - slow, and used only by developers

    return JSONResponse(describe(routes))
