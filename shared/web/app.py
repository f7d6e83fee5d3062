"""An ASGI app from routes: both prefixes, health, the OpenAPI document, CORS, gzip."""

from collections.abc import Callable, Sequence
from functools import partial

from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route as PathRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from shared.web.boundary import Boundary
from shared.web.dispatch import PREFIXES, build_router, method_not_allowed
from shared.web.routes import Route

_GZIP_FROM_BYTES = 1024
_GZIP_LEVEL = 4  # payloads are base64 of noise: higher levels cost more and gain nothing


def build_app(routes: Sequence[Route]) -> ASGIApp:
    """Return the app that serves `routes`; nothing it raises reaches the server."""
    readable = {
        "/health": _Readable(_healthy),
        "/openapi.json": _Readable(partial(_describe, routes)),
    }
    app: ASGIApp = build_router(
        routes,
        [PathRoute(p + path, serve) for p in PREFIXES for path, serve in readable.items()],
    )
    app = GZipMiddleware(app, minimum_size=_GZIP_FROM_BYTES, compresslevel=_GZIP_LEVEL)
    app = CORSMiddleware(
        app,
        allow_origins=["*"],
        allow_methods=["*"],
        allow_headers=["*"],
        allow_private_network=True,
    )
    return Boundary(app)


class _Readable:
    """A path that anyone may GET; an ASGI app, because Starlette gives it every method."""

    def __init__(self, respond: Callable[[], Response]) -> None:
        self._respond = respond

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] in ("GET", "HEAD"):
            response = self._respond()
        else:
            response = method_not_allowed(scope["path"], ["GET", "HEAD"])
        await response(scope, receive, send)


def _healthy() -> Response:
    return PlainTextResponse("healthy")


def _describe(routes: Sequence[Route]) -> Response:
    from shared.web.openapi import describe  # noqa: PLC0415 - only developers ask for it

    return JSONResponse(describe(routes))
