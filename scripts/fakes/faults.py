"""How a fake fails when it is told to."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field

from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send


@dataclass(frozen=True)
class Fault:
    """One answer that is not the usual one: a status with a body, silence, or a cut connection."""

    status: int = 500
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    is_silent: bool = False
    is_cut: bool = False


class CutError(Exception):
    """Raised in the middle of an answer whose connection is to break."""


class Failing:
    """Wraps a fake: the next requests meet its `faults`, first come, first served.

    `calls` counts all requests.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self.faults: list[Fault] = []
        self.calls = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            return
        self.calls += 1
        if not self.faults:
            with suppress(ClientDisconnect):  # before all of the request was read
                await self._app(scope, receive, send)
            return
        fault = self.faults.pop(0)
        if fault.is_silent:
            await _until_hung_up(receive)
        elif fault.is_cut:
            _cut(send)
        else:
            await Response(fault.body, fault.status, fault.headers)(scope, receive, send)


def _cut(send: Send) -> None:
    """Drop the connection without an answer, for which ASGI has no word: uvicorn's has to do."""
    send.__self__.transport.abort()  # type: ignore[attr-defined]


async def _until_hung_up(receive: Receive) -> None:
    async with asyncio.timeout(60):
        while (await receive())["type"] != "http.disconnect":
            pass
