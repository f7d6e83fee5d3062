"""SignalR client of the chat."""

import logging
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from contextlib import closing, suppress
from socket import SHUT_RDWR
from typing import Any, Self
from uuid import uuid4

from signalrcore.hub.errors import HubConnectionError
from signalrcore.hub_connection_builder import HubConnectionBuilder
from signalrcore.messages.ping_message import PingMessage
from signalrcore.transport.sockets.errors import SocketHandshakeError

PLAN_VERSION = 3
_CONNECT_WITHIN_S = 20

logging.getLogger("SignalRCoreClient").setLevel(logging.CRITICAL)  # it logs whole messages


class InvocationFailedError(Exception):
    """The invocation failed. The message is the error of the hub."""


class DisconnectedError(Exception):
    """The connection is closed or was never open."""


class Coach:
    """The methods of a hub. The connection lives for a `with` block.

    Args:
        server: the URL of the server.
        token: `<Store> <token>` of a subscriber, as `access_token` below `/v2`. With None, the
            connection is that of the newest apps: without `/v2`, and `headers` only.
        receive: callback for each message of the hub, in another thread.
        headers: headers of the negotiation and of the WebSocket.
        is_new: use `/ai-chat-v2` (apps of 2026) instead of `/ai-chat` (apps of 2025).
        negotiates: send the negotiation request before the WebSocket.
        ping_s: interval of pings to the server.
    """

    def __init__(
        self,
        server: str,
        token: str | None,
        receive: Callable[[dict[str, Any]], None],
        *,
        headers: Mapping[str, str] | None = None,
        is_new: bool = True,
        negotiates: bool = True,
        ping_s: float = 15,
    ) -> None:
        self._ping_s = ping_s
        self._version: list[Any] = [PLAN_VERSION] if is_new else []
        self._unit: list[Any] = ["kilograms"] if is_new else []
        self._invocations: dict[str, Future[None]] = {}
        self._opened = threading.Event()
        options: dict[str, Any] = {"skip_negotiation": not negotiates}
        if headers:
            options["headers"] = dict(headers)
        if token is not None:
            options["access_token_factory"] = lambda: token
            server = f"{server}/v2"
        hub = f"{server}/{'ai-chat-v2' if is_new else 'ai-chat'}"
        self._hub = HubConnectionBuilder().with_url(hub, options=options).build()
        self._hub.on("ReceiveMessage", lambda arguments: receive(arguments[0]))
        self._hub.on_open(self._opened.set)
        # A lost connection must end all waiting callers.
        self._hub.on_close(self._disconnected)
        self._hub.on_error(self._failed)

    def __enter__(self) -> Self:
        """Connect.

        Raises:
            urllib.error.HTTPError: the server rejects the negotiation.
            OSError: no server responds.
            DisconnectedError: the server rejects or closes the WebSocket.
        """
        try:
            self._hub.start()
        except SocketHandshakeError:
            self._disconnect()
            raise DisconnectedError from None
        if not self._opened.wait(_CONNECT_WITHIN_S):
            self._disconnect()
            raise DisconnectedError
        # The library starts pings by itself only with automatic reconnects.
        self._pings.keep_alive_interval = self._ping_s
        self._pings.ping_function = self._ping
        self._pings.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Disconnect."""
        self._disconnect()

    def _disconnect(self) -> None:
        # The library waits for the next message of the server, which can take ten seconds. It also
        # leaves a socket open after the server closed it.
        with closing(self._hub.transport._client.sock) as connection:  # noqa: SLF001
            with suppress(OSError):  # the socket is closed already
                connection.shutdown(SHUT_RDWR)
            self._hub.stop()

    @property
    def _pings(self) -> Any:  # noqa: ANN401 - the library has no types
        return self._hub.transport.connection_checker

    def _ping(self) -> None:
        with suppress(ValueError):  # the connection has ended
            self._hub.transport.send(PingMessage())

    def introduce(self, locale: str) -> "Future[None]":
        """Invoke `Introduce`. The result is set when the reply has ended."""
        return self.invoke("Introduce", locale, *self._version, *self._unit)

    def send(self, text: str) -> "Future[None]":
        """Invoke `SendMessage`. The result is set when the reply has ended."""
        return self.invoke("SendMessage", text, *self._version)

    def stop(self) -> None:
        """Stop the current reply."""
        self._send("StopInProgress", [])

    def restart(self) -> None:
        """Start a new conversation."""
        self._send("RestartChat", [])

    def invoke(self, method: str, *arguments: Any) -> "Future[None]":  # noqa: ANN401 - JSON
        """Invoke a method. Its completion, or an error of hub or network, sets the result."""
        invocation_id, ended = str(uuid4()), Future[None]()
        self._invocations[invocation_id] = ended
        self._send(method, [*arguments], self._completed, invocation_id)
        return ended

    def _send(self, *arguments: Any) -> None:  # noqa: ANN401 - as in the library
        try:
            self._hub.send(*arguments)
        except (HubConnectionError, ValueError):  # ValueError: the connection ends at this moment
            raise DisconnectedError from None

    def _completed(self, message: Any) -> None:  # noqa: ANN401 - the library has no types
        self._invocations.pop(message.invocation_id).set_result(None)

    def _failed(self, message: Any) -> None:  # noqa: ANN401
        invocation = self._invocations.pop(getattr(message, "invocation_id", ""), None)
        if invocation is not None:
            invocation.set_exception(InvocationFailedError(message.error))

    def _disconnected(self) -> None:
        self._pings.running = False
        invocations, self._invocations = self._invocations, {}
        for invocation in invocations.values():
            invocation.set_exception(DisconnectedError())
