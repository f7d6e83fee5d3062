"""One client's WebSocket: handshake, messages, pings, and an orderly end."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

from starlette.websockets import WebSocket, WebSocketDisconnect

from functions.chat import protocol
from functions.chat.hub import Hub
from functions.chat.invocations import Invocations
from functions.chat.outbox import Outbox
from functions.chat.protocol import CancelInvocation, Close, Invocation, ProtocolError

_NORMAL, _PROTOCOL_ERROR = 1000, 1002
_UNTAKEN = 64
_LATE_HANDSHAKE_S = 2


@dataclass(frozen=True)
class Timing:
    """How long a connection may take over what; in seconds.

    Source: contract, heading "Chat".
    """

    handshake_s: float = 60
    silence_s: float = 120
    ping_s: float = 7
    """After so long without a word comes a ping; looked at as often, hence after 14 s at most."""

    longest_s: float = 3400
    """After so long it ends as soon as nothing is in flight: the platform cuts it after an hour."""

    overtime_s: float = 150
    """And after so much longer in any case."""

    farewell_s: float = 5
    """For a client to take our last words."""

    @property
    def look_each_s(self) -> float:
        """How often to look whether one of them has passed."""
        return min(self.ping_s, self.silence_s, self.longest_s)


class Connection:
    """Serves one hub to one client, from its upgrade to its end.

    Everything that it starts ends with it: `serve` returns when nothing is left.
    """

    def __init__(self, socket: WebSocket, open_hub: Callable[["Connection"], Hub], timing: Timing):
        self._socket = socket
        self._timing = timing
        self._outbox = Outbox()
        self._calls = Invocations(open_hub(self), self._complete, self._emptied)
        self._has_spoken = True  # the handshake's response
        self._heard_at = self._since = 0.0
        self._is_open = False
        self._is_leaving = False
        self._farewell: tuple[str, int] | None = None
        self._patience: asyncio.Timeout | None = None

    def call(self, target: str, argument: Any, key: object) -> None:  # noqa: ANN401 - JSON
        """Call a method of the client; a call with the same `key` that still waits is removed."""
        self._outbox.put(partial(protocol.invocation, target, argument), key)

    def leave(self) -> None:
        """End the connection as soon as nothing is in flight; the client may come back."""
        self._is_leaving = True
        if not self._calls:
            self.hang_up()

    def hang_up(self) -> None:
        """End the connection now; the client may come back."""
        self._end(protocol.close(allow_reconnect=True), _NORMAL)

    async def serve(self) -> None:
        """Serve until either side ends it."""
        reader = protocol.RecordReader()
        records = await self._shake_hands(reader)
        if records is None:
            return
        self._is_open = True
        writing = asyncio.create_task(self._write())
        self._since = self._heard_at = asyncio.get_running_loop().time()
        self._watch()
        limit_s = None if self._farewell is None else self._timing.farewell_s
        try:
            with suppress(TimeoutError):  # it does not take our farewell
                async with asyncio.timeout(limit_s) as self._patience:
                    await self._listen(reader, records)
                    if self._farewell is not None:
                        await writing
        finally:
            self._patience = None
            self._alarm.cancel()
            writing.cancel()
            await asyncio.gather(writing, self._calls.end(), return_exceptions=True)

    def _watch(self) -> None:
        """Say something if nothing was said for a while, and see whether it is time to end.

        One timer for everything: there are as many as connections.
        """
        loop = asyncio.get_running_loop()
        if not self._has_spoken:
            self._outbox.put(lambda: protocol.PING, protocol.PING)
        self._has_spoken = False
        if loop.time() - self._heard_at > self._timing.silence_s:
            words = protocol.close("nothing was heard for too long", allow_reconnect=True)
            self._end(words, _NORMAL)
        overtime_s = loop.time() - self._since - self._timing.longest_s
        if overtime_s > self._timing.overtime_s:
            self.hang_up()
        elif overtime_s > 0:
            self.leave()
        self._alarm = loop.call_later(self._timing.look_each_s, self._watch)

    async def _shake_hands(self, reader: protocol.RecordReader) -> list[str] | None:
        """Return the records that came with the handshake; None if there was none."""
        error: str
        try:
            async with asyncio.timeout(self._timing.handshake_s) as self._patience:
                records: list[str] = []
                while not records:
                    records = reader.feed(await self._frame())
            protocol.check_handshake(records[0])
        except ProtocolError as problem:
            error = str(problem)
        except TimeoutError:
            error = "the handshake took too long" if self._farewell is None else "going away"
        except WebSocketDisconnect:
            return None
        else:
            self._outbox.put(protocol.handshake_response)
            return records[1:]
        finally:
            self._patience = None
        await self._send(protocol.handshake_response(error), _PROTOCOL_ERROR)
        return None

    async def _frame(self) -> str:
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

    async def _listen(self, reader: protocol.RecordReader, records: list[str]) -> None:
        """Act on what the client says until either side ends it."""
        try:
            while True:
                for record in records:
                    if self._farewell is not None:
                        return
                    self._act(protocol.message(record))
                    # What came together must not keep what it starts from starting, or others.
                    await asyncio.sleep(0)
                await asyncio.sleep(0)
                records = reader.feed(await self._frame())
                self._heard_at = asyncio.get_running_loop().time()
        except WebSocketDisconnect:
            return
        except ProtocolError as error:
            self._end(protocol.close(str(error)), _PROTOCOL_ERROR)

    def _act(self, message: protocol.Message | None) -> None:
        """Do what the client says."""
        match message:
            case Invocation():
                self._begin(message)
            case CancelInvocation():
                self._calls.cancel(message.id)
            case Close():
                self._end("", _NORMAL)

    def _begin(self, call: Invocation) -> None:
        if len(self._outbox) > _UNTAKEN:
            raise ProtocolError("answers are not taken")
        self._calls.begin(call)

    def _complete(self, invocation: Invocation, error: str | None) -> None:
        if invocation.id is not None:
            self._outbox.put(partial(protocol.completion, invocation.id, error))

    def _emptied(self) -> None:
        if self._is_leaving:
            self.hang_up()

    def _end(self, words: str, code: int) -> None:
        """Say no more than `words`, and close with `code`."""
        if self._farewell is not None:
            return
        self._farewell = words, code
        self._calls.forget_waiting()
        self._outbox.put(str)  # wakes the writer
        if self._patience is not None and not self._patience.expired():
            now = asyncio.get_running_loop().time()
            wait_s = self._timing.farewell_s if self._is_open else _LATE_HANDSHAKE_S
            self._patience.reschedule(now + wait_s)

    async def _write(self) -> None:
        """Send what is to be sent, and the farewell last."""
        code = None
        while code is None:
            records = await self._outbox.take()
            self._has_spoken = True
            words, code = self._farewell or ("", None)
            if not await self._send(records + words, code):
                return

    async def _send(self, records: str, code: int | None) -> bool:
        """Send records, and then close with `code` if there is one; whether the client is there."""
        try:
            if records:
                await self._socket.send_text(records)
            if code is not None:
                await self._socket.close(code)
        except (WebSocketDisconnect, RuntimeError):  # the second if the server has closed it
            return False
        return True
