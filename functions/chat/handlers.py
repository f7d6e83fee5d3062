"""The routes of the chat: negotiation and the WebSockets."""

import asyncio
import logging
import re
import secrets
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial

from starlette.websockets import WebSocket

from functions.chat.connection import Connection, Timing
from functions.chat.hub import Client, Hub
from shared.auth.named_user import NamedUser
from shared.auth.tickets import is_ticket
from shared.errors import DependencyUnavailable, LiftLogError, NotFound
from shared.schemas.chat import Negotiation, NegotiationRequest
from shared.telemetry.metrics import CHAT_CONNECTIONS
from shared.telemetry.signals import add
from shared.timestamps import now
from shared.web.callers import Caller, CallerAuth
from shared.web.features import Feature
from shared.web.problems import problem_of
from shared.web.readiness import Dependency
from shared.web.routes import Route, SocketRoute

logger = logging.getLogger(__name__)

_NEWEST_NEGOTIATION = 1
_ID_BYTES = 16
_ID = re.compile(r"[A-Za-z0-9_-]{22}")  # 16 bytes in base64url
_RETRY_AFTER_S = 1  # a new request reaches another instance

OpenHub = Callable[[Client, Caller], Hub]


class ChatHandlers:
    """Serves hubs, and keeps the set of open connections.

    Args:
        auth: authenticates clients.
        hubs: by the paths of the contract, without the prefix.
        timing: the time limits of each connection.
    """

    def __init__(
        self,
        auth: CallerAuth,
        hubs: Mapping[str, OpenHub],
        timing: Timing | None = None,
    ) -> None:
        self._auth = auth
        self._hubs = hubs
        self._timing = timing or Timing()
        self._authenticating: set[asyncio.Timeout] = set()
        self._connections: set[Connection] = set()
        self._is_draining = False

    @property
    def connection_count(self) -> int:
        """The number of connected clients."""
        return len(self._connections)

    def routes(self) -> list[Route]:
        """Return the HTTP routes."""
        return [
            Route(
                "POST",
                f"{path}/negotiate",
                "Negotiate a connection to the chat.",
                request=NegotiationRequest,
                response=Negotiation,
                handler=self.negotiate,
                auth=self._auth,
                features=[Feature.AI_PLANNER],
                from_query=True,
            )
            for path in self._hubs
        ]

    def sockets(self) -> list[SocketRoute]:
        """Return the WebSockets."""
        return [
            SocketRoute(path, partial(self.connect, open_hub), [Feature.AI_PLANNER])
            for path, open_hub in self._hubs.items()
        ]

    def dependencies(self) -> list[Dependency]:
        """Return the readiness check of this instance: it is not ready while it drains."""
        return [Dependency("instance", self.check_accepting)]

    async def check_accepting(self) -> None:
        """Return if this instance accepts new clients.

        Raises:
            DependencyUnavailable: it drains. Another instance accepts the client.
        """
        if self._is_draining:
            raise DependencyUnavailable("this instance", _RETRY_AFTER_S)

    async def negotiate(self, request: NegotiationRequest, caller: Caller) -> Negotiation:
        """Offer a connection.

        The ids are not stored, so any instance accepts the connection. This needs WebSockets: each
        request of the other transports must reach the same instance.
        """
        version = min(request.negotiate_version, _NEWEST_NEGOTIATION)
        presented_id = await _new_presented_id(caller)
        return Negotiation(
            negotiate_version=version,
            # In version 0, the client presents this id. In version 1, it only shows it to users.
            connection_id=_new_id() if version else presented_id,
            connection_token=presented_id if version else None,
        )

    async def connect(self, open_hub: OpenHub, socket: WebSocket) -> None:
        """Serve a caller's connection until it ends."""
        try:
            caller = await self._authenticate(socket)
        except LiftLogError as error:
            with suppress(OSError):  # the client may disconnect before the response
                await socket.send_denial_response(problem_of(error, socket.scope["path"]))
            return
        try:
            await socket.accept()
        except OSError:  # the client may disconnect before the response
            return
        connection = Connection(socket, lambda client: open_hub(client, caller), self._timing)
        self._connections.add(connection)
        add(CHAT_CONNECTIONS, 1)
        try:
            await connection.serve()
        finally:
            self._connections.remove(connection)
            add(CHAT_CONNECTIONS, -1)

    async def _authenticate(self, socket: WebSocket) -> Caller:
        """Return the caller that connects.

        Raises:
            LiftLogError: the connection is rejected.
        """
        await self.check_accepting()
        deadline = asyncio.timeout(None)  # `close` sets it
        self._authenticating.add(deadline)
        try:
            async with deadline:
                caller = await self._auth.caller(socket)
        except TimeoutError:
            raise DependencyUnavailable("this instance", _RETRY_AFTER_S) from None
        finally:
            self._authenticating.remove(deadline)
        # After the authentication: an unknown caller is answered 401, with any id.
        _check_id(socket.query_params.get("id"))
        # The instance may have started to drain in the meantime.
        await self.check_accepting()
        return caller

    def drain(self) -> None:
        """Reject new clients, and close each connection once its invocations have ended."""
        self._is_draining = True
        if self._connections:
            logger.info("draining %d connections", self.connection_count)
        for connection in self._connections:
            connection.drain()

    def close(self) -> None:
        """Close all connections now. The clients may reconnect to another instance."""
        for deadline in self._authenticating:
            deadline.reschedule(0)
        for connection in self._connections:
            connection.close()


async def _new_presented_id(caller: Caller) -> str:
    """Return the id that a client presents at the upgrade, to which a browser adds no headers."""
    if isinstance(caller, NamedUser) and caller.tickets is not None:
        return await asyncio.to_thread(caller.tickets.issue, now())
    return _new_id()


def _new_id() -> str:
    return secrets.token_urlsafe(_ID_BYTES)


def _check_id(presented: str | None) -> None:
    """Return if the id has the form of a negotiated one, is empty or is absent.

    Source: TransportProtocols, "WebSockets".
    """
    if presented and not (_ID.fullmatch(presented) or is_ticket(presented)):
        raise NotFound("no such connection")
