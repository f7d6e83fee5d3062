"""Rejects all requests to the hubs of features that the server does not offer."""

from collections.abc import Sequence

from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket

from shared.errors import LiftLogError
from shared.telemetry.current_request import note_route
from shared.web.features import Features
from shared.web.paths import Paths
from shared.web.problems import problem_of
from shared.web.routes import SocketRoute


class RefusedPaths:
    """Wraps an app and rejects requests to a hub, and to every path below it, with any method."""

    def __init__(self, app: ASGIApp, sockets: Sequence[SocketRoute], features: Features) -> None:
        self._app = app
        refusals = {each.path: features.refusal(each.features) for each in sockets}
        self._refusals = Paths[LiftLogError](
            {f"{path}/{{*rest}}": error for path, error in refusals.items() if error is not None}
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request or one WebSocket."""
        found = self._refusals.find(scope["path"])
        if found is None:
            await self._app(scope, receive, send)
            return
        note_route(found.template)
        response = problem_of(found.target, scope["path"])
        if scope["type"] == "websocket":
            await WebSocket(scope, receive, send).send_denial_response(response)
        else:
            await response(scope, receive, send)
