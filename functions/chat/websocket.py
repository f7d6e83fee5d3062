"""One WebSocket on the wire: uvicorn's, with an end to what it lets go on for ever.

Source: RFC 6455
"""

import os
from asyncio import Task, TimerHandle

# Tokens of the App Store are longer than the line that it takes by default, and it reads this once.
os.environ.setdefault("WEBSOCKETS_MAX_LINE_LENGTH", str(66 * 1024))

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import CloseCode, Frame

_MOST_UNFINISHED = 10_000
"""After a whole message, reading pauses and others have their turn; so there must be one."""

_GONE_ON_STOP_S = 0.5
_BAD_REQUEST = b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"


class WebSocketProtocol(WebSocketsSansIOProtocol):
    """Lets no client keep us from the others, nor take more memory than its messages do."""

    gone_within_s: float = 15
    """After the end: for a client that does not even read what is still to be sent."""

    _unfinished = 0
    """How many frames have come since the last whole message."""

    _pong: bytes = b""
    """For who does not read at the moment: the newest answer to a ping replaces older ones."""

    _abort: TimerHandle | None = None

    def data_received(self, data: bytes) -> None:
        """Take what has come.

        A request that is none would never be answered, and frames that come before the answer,
        which RFC 6455 forbids in section 4.1, may be anybody's: both are refused.
        """
        if self.handshake_initiated and not self.handshake_complete:
            self._refuse(_BAD_REQUEST)
            return
        super().data_received(data)
        if self.conn.handshake_exc is not None and not self.handshake_initiated:
            self._refuse(b"".join(self.conn.data_to_send()) or _BAD_REQUEST)

    def handle_ping(self) -> None:
        """Answer, once the client has read what there is already."""
        self._count()
        answers = [each for each in self.conn.data_to_send() if each]
        if self.close_sent or not answers:
            return
        if self.writable.is_set():
            self.transport.write(b"".join(answers))
        else:
            self._pong = answers[-1]  # RFC 6455, section 5.5.3

    def resume_writing(self) -> None:
        """Go on: the client has read something."""
        super().resume_writing()
        pong, self._pong = self._pong, b""
        if pong and not self.close_sent:
            self.transport.write(pong)

    def handle_pong(self, event: Frame) -> None:
        """Take an answer, for which we did not ask."""
        self._count()
        super().handle_pong(event)

    def handle_cont(self, event: Frame) -> None:
        """Take a fragment of a message."""
        super().handle_cont(event)
        self._count()

    def send_receive_event_to_app(self) -> None:
        """Pass a whole message on."""
        self._unfinished = -1  # the frame that ends it is counted, too
        super().send_receive_event_to_app()

    def on_task_complete(self, task: Task[None]) -> None:
        """Note that the connection has been served to its end."""
        super().on_task_complete(task)
        self._abort_after(self.gone_within_s)

    def shutdown(self) -> None:
        """End it now, for the server is stopping."""
        super().shutdown()
        self._abort_after(_GONE_ON_STOP_S)

    def connection_lost(self, exc: Exception | None) -> None:
        """Note that nothing is left of it."""
        super().connection_lost(exc)
        if self._abort is not None:
            self._abort.cancel()

    def _abort_after(self, wait_s: float) -> None:
        if self._abort is not None:
            self._abort.cancel()
        if not self.disconnected:
            self._abort = self.loop.call_later(wait_s, self.transport.abort)

    def _count(self) -> None:
        self._unfinished += 1
        if self._unfinished > _MOST_UNFINISHED and not self.close_sent:
            self.conn.fail(CloseCode.POLICY_VIOLATION, "too many frames without a message")
            self.handle_parser_exception()

    def _refuse(self, answer: bytes) -> None:
        self.close_sent = self.disconnected = True
        self.transport.write(answer)
        self.transport.close()
