"""A client of the chat, on a SignalR library of others."""

import logging
import threading
from collections.abc import Callable
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

logging.getLogger("SignalRCoreClient").setLevel(logging.CRITICAL)  # it writes whole messages


class CallFailedError(Exception):
    """The hub has not done what it was asked for; the message is what it says."""


class DisconnectedError(Exception):
    """There is no connection, or no longer."""


class Coach:
    """The methods of a hub, on a connection for the length of a `with` block.

    Args:
        server: its URL.
        token: `<Store> <token>` of a subscriber.
        receive: called with each message of the hub, in another thread.
        is_new: speak as an app of 2026, to `/ai-chat-v2`, and not as one of 2025, to `/ai-chat`.
        negotiates: whether to ask the server first how to connect.
        ping_s: after so long without a word to the server it gets a sign of life.
    """

    def __init__(
        self,
        server: str,
        token: str,
        receive: Callable[[dict[str, Any]], None],
        *,
        is_new: bool = True,
        negotiates: bool = True,
        ping_s: float = 15,
    ) -> None:
        self._ping_s = ping_s
        self._version: list[Any] = [PLAN_VERSION] if is_new else []
        self._unit: list[Any] = ["kilograms"] if is_new else []
        self._calls: dict[str, Future[None]] = {}
        self._opened = threading.Event()
        options = {"access_token_factory": lambda: token, "skip_negotiation": not negotiates}
        hub = f"{server}/v2/{'ai-chat-v2' if is_new else 'ai-chat'}"
        self._hub = HubConnectionBuilder().with_url(hub, options=options).build()
        self._hub.on("ReceiveMessage", lambda arguments: receive(arguments[0]))
        self._hub.on_open(self._opened.set)
        self._hub.on_close(self._disconnected)
        self._hub.on_error(self._failed)

    def __enter__(self) -> Self:
        """Connect.

        Raises:
            urllib.error.HTTPError: the server refuses.
            OSError: there is no server.
            DisconnectedError: it hung up, or refuses the socket.
        """
        try:
            self._hub.start()
        except SocketHandshakeError:
            self._hang_up()
            raise DisconnectedError from None
        if not self._opened.wait(_CONNECT_WITHIN_S):
            self._hang_up()
            raise DisconnectedError
        # By itself the library does this only if it is to come back after a cut.
        self._pings.keep_alive_interval = self._ping_s
        self._pings.ping_function = self._ping
        self._pings.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Hang up."""
        self._hang_up()

    def _hang_up(self) -> None:
        # By itself the library waits for the server's next word, which may take ten seconds, and
        # leaves a socket open that the server has ended.
        with closing(self._hub.transport._client.sock) as connection:  # noqa: SLF001
            with suppress(OSError):  # it is gone already
                connection.shutdown(SHUT_RDWR)
            self._hub.stop()

    @property
    def _pings(self) -> Any:  # noqa: ANN401 - the library has no types
        return self._hub.transport.connection_checker

    def _ping(self) -> None:
        with suppress(ValueError):  # it has ended
            self._hub.transport.send(PingMessage())

    def introduce(self, locale: str) -> "Future[None]":
        """Let the coach introduce itself; done when it has."""
        return self.call("Introduce", locale, *self._version, *self._unit)

    def say(self, text: str) -> "Future[None]":
        """Let the coach answer; done when it has."""
        return self.call("SendMessage", text, *self._version)

    def stop(self) -> None:
        """End the answer that is under way."""
        self._send("StopInProgress", [])

    def restart(self) -> None:
        """Begin anew."""
        self._send("RestartChat", [])

    def call(self, method: str, *arguments: Any) -> "Future[None]":  # noqa: ANN401 - JSON
        """Call any method; done when it has ended, and failed if the hub or the network says so."""
        call_id, ended = str(uuid4()), Future[None]()
        self._calls[call_id] = ended
        self._send(method, [*arguments], self._completed, call_id)
        return ended

    def _send(self, *call: Any) -> None:  # noqa: ANN401 - as the library has it
        try:
            self._hub.send(*call)
        except (HubConnectionError, ValueError):  # the second if it ends right now
            raise DisconnectedError from None

    def _completed(self, message: Any) -> None:  # noqa: ANN401 - the library has no types
        self._calls.pop(message.invocation_id).set_result(None)

    def _failed(self, message: Any) -> None:  # noqa: ANN401
        call = self._calls.pop(getattr(message, "invocation_id", ""), None)
        if call is not None:
            call.set_exception(CallFailedError(message.error))

    def _disconnected(self) -> None:
        self._pings.running = False
        calls, self._calls = self._calls, {}
        for call in calls.values():
            call.set_exception(DisconnectedError())
