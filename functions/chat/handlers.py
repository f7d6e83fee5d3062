"""The routes of the chat: negotiation, and the WebSocket itself."""

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
from shared.errors import DependencyUnavailable, LiftLogError, NotFound
from shared.purchases.authenticator import PurchaseAuthenticator, Subscriber
from shared.schemas.chat import Negotiation, NegotiationRequest
from shared.telemetry.metrics import CHAT_CONNECTIONS
from shared.telemetry.signals import add
from shared.timestamps import now
from shared.web.app import Sockets
from shared.web.authentication import PurchaseAuth
from shared.web.problems import problem_of
from shared.web.purchase_token import presented_token
from shared.web.readiness import Dependency
from shared.web.routes import Route

logger = logging.getLogger(__name__)

_NEWEST_NEGOTIATION = 1
_ID_BYTES = 16
_ID = re.compile(r"[A-Za-z0-9_-]{22}")
_TRY_ANOTHER_S = 1

OpenHub = Callable[[Client, Subscriber], Hub]


class ChatHandlers:
    """Serves hubs, and knows who is connected.

    Args:
        purchases: who may connect.
        hubs: by the paths of the contract, without the prefix.
        timing: of every connection.
    """

    def __init__(
        self,
        purchases: PurchaseAuthenticator,
        hubs: Mapping[str, OpenHub],
        timing: Timing | None = None,
    ) -> None:
        self._purchases = purchases
        self._hubs = hubs
        self._timing = timing or Timing()
        self._arriving: set[asyncio.Timeout] = set()
        self._connections: set[Connection] = set()
        self._is_leaving = False

    @property
    def connected(self) -> int:
        """How many clients are connected."""
        return len(self._connections)

    def routes(self) -> list[Route]:
        """Return the routes of plain HTTP."""
        return [
            Route(
                "POST",
                f"{path}/negotiate",
                "Ask how to connect to the chat.",
                request=NegotiationRequest,
                response=Negotiation,
                handler=self.negotiate,
                auth=PurchaseAuth(self._purchases),
                from_query=True,
            )
            for path in self._hubs
        ]

    def sockets(self) -> Sockets:
        """Return who serves WebSockets, by the path."""
        return {path: partial(self.connect, open_hub) for path, open_hub in self._hubs.items()}

    def dependencies(self) -> list[Dependency]:
        """Return what stands for ourselves: an instance that is to end is not ready for more."""
        return [Dependency("instance", self.check_staying)]

    async def check_staying(self) -> None:
        """Return if clients may still come.

        Raises:
            DependencyUnavailable: to another instance.
        """
        if self._is_leaving:
            raise DependencyUnavailable("this instance", _TRY_ANOTHER_S)

    async def negotiate(self, request: NegotiationRequest, _subscriber: Subscriber) -> Negotiation:
        """Offer a connection, of which nothing is kept: any instance may take it.

        Hence WebSockets alone: the other transports would have to come back to one that remembers.
        """
        version = min(request.negotiate_version, _NEWEST_NEGOTIATION)
        return Negotiation(
            negotiate_version=version,
            connection_id=secrets.token_urlsafe(_ID_BYTES),
            connection_token=secrets.token_urlsafe(_ID_BYTES) if version else None,
        )

    async def connect(self, open_hub: OpenHub, socket: WebSocket) -> None:
        """Serve a subscriber's connection until it ends."""
        try:
            subscriber = await self._signed_in(socket)
        except LiftLogError as error:
            with suppress(OSError):  # The client may have hung up while its store was asked.
                await socket.send_denial_response(problem_of(error, socket.scope["path"]))
            return
        try:
            await socket.accept()
        except OSError:
            return  # As above.
        connection = Connection(socket, lambda client: open_hub(client, subscriber), self._timing)
        self._connections.add(connection)
        add(CHAT_CONNECTIONS, 1)
        try:
            await connection.serve()
        finally:
            self._connections.remove(connection)
            add(CHAT_CONNECTIONS, -1)

    async def _signed_in(self, socket: WebSocket) -> Subscriber:
        """Return who wants to connect.

        Raises:
            LiftLogError: nobody may, or not here; says why.
        """
        await self.check_staying()
        patience = asyncio.timeout(None)
        self._arriving.add(patience)
        try:
            async with patience:
                subscriber = await self._purchases.subscriber(presented_token(socket), now())
        except TimeoutError:
            raise DependencyUnavailable("this instance", _TRY_ANOTHER_S) from None
        finally:
            self._arriving.remove(patience)
        _check_id(socket.query_params.get("id"))
        await self.check_staying()
        return subscriber

    def leave(self) -> None:
        """Let nobody in any more, and end each connection when its replies have ended."""
        self._is_leaving = True
        if self._connections:
            logger.info("%d connections are to end", self.connected)
        for connection in self._connections:
            connection.leave()

    def hang_up(self) -> None:
        """End all connections now; clients may come back, to another instance."""
        for patience in self._arriving:
            patience.reschedule(0)
        for connection in self._connections:
            connection.hang_up()


def _check_id(presented: str | None) -> None:
    """Return if the id may be one of a negotiation, or there was none; an empty one counts as none.

    Source: TransportProtocols, "WebSockets".
    """
    if presented and not _ID.fullmatch(presented):
        raise NotFound("no such connection")
