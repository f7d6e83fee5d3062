"""The WebSocket of one client: handshake, messages, pings and close."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from starlette.websockets import WebSocket, WebSocketDisconnect

from functions.chat import protocol
from functions.chat.connection_state import State
from functions.chat.hub import Hub
from functions.chat.invocations import Invocations
from functions.chat.outbox import Outbox
from functions.chat.protocol import CancelInvocation, Close, Invocation, ProtocolError

_NORMAL_CLOSURE, _PROTOCOL_ERROR = 1000, 1002  # RFC 6455, section 7.4.1

# Completions cannot replace each other in the outbox. Without a limit, a client that sends
# invocations but never reads would fill the memory.
_MAX_UNSENT_RECORDS = 64

# Short, because a stopping instance has 10 s in all.
_LAST_HANDSHAKE_S = 2


@dataclass(frozen=True)
class Timing:
    """The time limits of a connection, in seconds.

    Source: contract, heading "Chat".
    """

    handshake_timeout_s: float = 60
    silence_timeout_s: float = 120
    """Closes the connection this long after the last message of the client."""

    ping_s: float = 7
    """The minimum time without an outgoing record before a ping.

    The check runs at the same interval, so the real maximum is 14 s. The contract allows 15 s.
    """

    max_age_s: float = 3400
    """Drains the connection after this time: Cloud Run cuts it after 3,600 s."""

    drain_timeout_s: float = 150
    """Closes the connection this long after `max_age_s`, with or without invocations in flight."""

    close_timeout_s: float = 5
    """The time that a client has to receive the last records."""

    @property
    def check_interval_s(self) -> float:
        """The time between two checks of the limits."""
        return min(self.ping_s, self.silence_timeout_s, self.max_age_s)


class Connection:
    """Serves one hub to one client.

    Each task that the connection starts ends before `serve` returns.
    """

    def __init__(self, socket: WebSocket, open_hub: Callable[["Connection"], Hub], timing: Timing):
        self._socket = socket
        self._timing = timing
        self._outbox = Outbox()
        self._invocations = Invocations(open_hub(self), self._complete, self._on_idle)
        self._state = State.HANDSHAKE
        self._last_records = ""
        self._close_code: int | None = None
        self._sent_since_check = True  # the response to the handshake
        self._received_at = self._opened_at = 0.0

        # The timeout of the handshake or of the close. `_close` shortens it.
        self._deadline: asyncio.Timeout | None = None

    def invoke(self, target: str, argument: object, key: object) -> None:
        """Invoke a method of the client. Replaces an unsent invocation with the same `key`."""
        self._outbox.put(partial(protocol.write_invocation, target, argument), key)

    def drain(self) -> None:
        """Close the connection as soon as no invocation is in flight. The client may reconnect."""
        if not self._invocations:
            self.close()
        elif self._state is State.OPEN:
            self._enter(State.DRAINING)

    def close(self) -> None:
        """Close the connection now. The client may reconnect."""
        self._close(protocol.write_close(allow_reconnect=True), _NORMAL_CLOSURE)

    async def serve(self) -> None:
        """Serve the client until either side closes the connection."""
        reader = protocol.RecordReader()
        try:
            records = await self._receive_handshake(reader)
            if records is not None:
                is_new = self._state is State.HANDSHAKE
                self._enter(State.OPEN if is_new else State.CLOSING)
                await self._serve_records(reader, records)
        finally:
            self._enter(State.CLOSED)

    def _enter(self, state: State) -> None:
        self._state = self._state.to(state)

    async def _serve_records(self, reader: protocol.RecordReader, records: list[str]) -> None:
        writer = asyncio.create_task(self._write())
        self._opened_at = self._received_at = asyncio.get_running_loop().time()
        self._check_limits()
        timeout_s = self._timing.close_timeout_s if self._state is State.CLOSING else None
        try:
            with suppress(TimeoutError):  # the client does not read the last records
                async with asyncio.timeout(timeout_s) as self._deadline:
                    await self._receive(reader, records)
                    # The writer sends the last records. After a disconnect nothing is sent.
                    if self._state is State.CLOSING:
                        await writer
        finally:
            self._deadline = None
            self._check_timer.cancel()
            writer.cancel()
            await asyncio.gather(writer, self._invocations.end(), return_exceptions=True)

    def _check_limits(self) -> None:
        """Send a ping if one is due, and close a silent or old connection."""
        loop = asyncio.get_running_loop()
        if not self._sent_since_check:
            self._outbox.put(lambda: protocol.PING, protocol.PING)
        self._sent_since_check = False
        if loop.time() - self._received_at > self._timing.silence_timeout_s:
            error = "no message was received for too long"
            self._close(protocol.write_close(error, allow_reconnect=True), _NORMAL_CLOSURE)
        # Drain in time: Cloud Run would cut the connection in the middle of a reply.
        overdue_s = loop.time() - self._opened_at - self._timing.max_age_s
        if overdue_s > self._timing.drain_timeout_s:
            self.close()
        elif overdue_s > 0:
            self.drain()
        # One timer for all limits saves memory: an instance has many idle connections.
        self._check_timer = loop.call_later(self._timing.check_interval_s, self._check_limits)

    async def _receive_handshake(self, reader: protocol.RecordReader) -> list[str] | None:
        """Return the records that follow the handshake in its frame; None if it fails."""
        error: str
        try:
            async with asyncio.timeout(self._timing.handshake_timeout_s) as self._deadline:
                records: list[str] = []
                while not records:
                    records = reader.feed(await self._receive_text())
            protocol.check_handshake(records[0])
        except ProtocolError as problem:
            error = str(problem)
        except TimeoutError:
            is_timeout = self._state is State.HANDSHAKE
            error = "the handshake timed out" if is_timeout else "the server is closing"
        except WebSocketDisconnect:
            return None
        else:
            self._outbox.put(protocol.write_handshake_response)
            return records[1:]
        finally:
            self._deadline = None
        await self._send(protocol.write_handshake_response(error), _PROTOCOL_ERROR)
        return None

    async def _receive_text(self) -> str:
        received = await self._socket.receive()
        if received["type"] == "websocket.disconnect":
            raise WebSocketDisconnect
        text: str | None = received.get("text")
        if text is not None:
            return text
        try:
            return str(received["bytes"], "utf-8")
        except UnicodeDecodeError:
            raise ProtocolError("a message is not UTF-8") from None

    async def _receive(self, reader: protocol.RecordReader, records: list[str]) -> None:
        """Handle the client's messages until either side closes the connection."""
        try:
            while True:
                for record in records:
                    if self._state is State.CLOSING:
                        return
                    self._handle(protocol.parse_message(record))
                    # One frame may hold many records. Without a pause the started invocations and
                    # all other connections would wait for the last of them.
                    await asyncio.sleep(0)
                await asyncio.sleep(0)
                records = reader.feed(await self._receive_text())
                self._received_at = asyncio.get_running_loop().time()
        except WebSocketDisconnect:
            return
        except ProtocolError as error:
            self._close(protocol.write_close(str(error)), _PROTOCOL_ERROR)

    def _handle(self, message: protocol.Message | None) -> None:
        match message:
            case Invocation():
                if len(self._outbox) > _MAX_UNSENT_RECORDS:
                    raise ProtocolError("too many unread responses")
                self._invocations.begin(message)
            case CancelInvocation():
                self._invocations.cancel(message.id)
            case Close():
                self._close("", _NORMAL_CLOSURE)

    def _complete(self, invocation: Invocation, error: str | None) -> None:
        if invocation.id is not None:
            self._outbox.put(partial(protocol.write_completion, invocation.id, error))

    def _on_idle(self) -> None:
        if self._state is State.DRAINING:
            self.close()

    def _close(self, last_records: str, code: int) -> None:
        """Send the outbox, then `last_records`, then close with `code`.

        Has no effect when the connection closes already.
        """
        if self._state.is_ending:
            return
        is_open = self._state is not State.HANDSHAKE
        self._enter(State.CLOSING if is_open else State.LAST_HANDSHAKE)
        self._last_records, self._close_code = last_records, code
        self._invocations.forget_waiting()
        self._outbox.put(str)  # an empty record, which wakes the writer
        # An expired timeout cannot be rescheduled.
        if self._deadline is not None and not self._deadline.expired():
            wait_s = self._timing.close_timeout_s if is_open else _LAST_HANDSHAKE_S
            self._deadline.reschedule(asyncio.get_running_loop().time() + wait_s)

    async def _write(self) -> None:
        """Send the records of the outbox. Returns after the close or a disconnect."""
        code = None
        while code is None:
            records = await self._outbox.take()
            self._sent_since_check = True
            code = self._close_code
            if not await self._send(records + self._last_records, code):
                return

    async def _send(self, records: str, code: int | None) -> bool:
        """Send records, and close if there is a `code`. Return whether the client is connected."""
        try:
            if records:
                await self._socket.send_text(records)
            if code is not None:
                await self._socket.close(code)
        except (WebSocketDisconnect, RuntimeError):  # RuntimeError: uvicorn closed the socket
            return False
        return True
