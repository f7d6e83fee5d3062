"""Injected faults of a fake."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field

from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send


@dataclass(frozen=True)
class Fault:
    """A fault for one request: a status with a body, silence, or a cut connection.

    With `is_lost`, the fake handles the request, and the connection is cut before the response.
    """

    status: int = 500
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    is_silent: bool = False
    is_cut: bool = False
    is_lost: bool = False


class CutError(Exception):
    """Cut the connection in the middle of a response."""


class Failing:
    """Wrap a fake. Each of the next requests takes the first of the `faults`.

    `calls` counts all requests.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self.faults: list[Fault] = []
        self.calls = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        # Servers also send lifespan scopes.
        if scope["type"] != "http":
            return
        self.calls += 1
        if not self.faults:
            with suppress(ClientDisconnect):  # the client left before the end of its request
                await self._app(scope, receive, send)
            return
        fault = self.faults.pop(0)
        if fault.is_silent:
            await _until_disconnect(receive)
        elif fault.is_cut:
            _cut(send)
        elif fault.is_lost:
            await self._app(scope, receive, _ignore)
            _cut(send)
        else:
            await Response(fault.body, fault.status, fault.headers)(scope, receive, send)


async def _ignore(_message: Message) -> None:
    pass


def _cut(send: Send) -> None:
    """Close the connection without a response: ASGI has no message for this, but uvicorn can."""
    send.__self__.transport.abort()  # type: ignore[attr-defined]


async def _until_disconnect(receive: Receive) -> None:
    # A limit for a client without a timeout: the fault must not block the end of the server.
    async with asyncio.timeout(60):
        while (await receive())["type"] != "http.disconnect":
            pass
