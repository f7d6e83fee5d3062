"""uvicorn's WebSocket protocol, with limits on clients.

Source: RFC 6455
"""

import os
from asyncio import Task, TimerHandle

# App Store receipts are longer than the default limit. websockets reads the variable on import.
os.environ.setdefault("WEBSOCKETS_MAX_LINE_LENGTH", str(66 * 1024))

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import CloseCode, Frame

# Reading pauses only after a complete message. Without a limit, a client that sends endless
# fragments or pings would keep the event loop busy.
_MAX_FRAMES_WITHOUT_MESSAGE = 10_000

_ABORT_AFTER_SHUTDOWN_S = 0.5
_BAD_REQUEST = b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"


class WebSocketProtocol(WebSocketsSansIOProtocol):
    """Limits the time and memory that one client can use."""

    abort_after_s: float = 15
    """The time after the end of a connection in which the client can read the unsent data."""

    _frames_without_message = 0
    """The number of frames since the last complete message."""

    _pong: bytes = b""
    """The unsent response to the newest ping. RFC 6455, section 5.5.3: older ones need none."""

    _abort_timer: TimerHandle | None = None

    def data_received(self, data: bytes) -> None:
        """Handle received bytes.

        Rejects malformed requests, which uvicorn leaves without a response. Also rejects frames
        before the response to the upgrade: the client is not authenticated yet, and RFC 6455,
        section 4.1, forbids them.
        """
        if self.handshake_initiated and not self.handshake_complete:
            self._reject(_BAD_REQUEST)
            return
        super().data_received(data)
        if self.conn.handshake_exc is not None and not self.handshake_initiated:
            self._reject(b"".join(self.conn.data_to_send()) or _BAD_REQUEST)

    def handle_ping(self) -> None:
        """Send a pong, or keep it while the client does not read."""
        self._count_frame()
        pongs = [each for each in self.conn.data_to_send() if each]
        if self.close_sent or not pongs:
            return
        if self.writable.is_set():
            self.transport.write(b"".join(pongs))
        else:
            self._pong = pongs[-1]

    def resume_writing(self) -> None:
        """Send the kept pong: the client reads again."""
        super().resume_writing()
        pong, self._pong = self._pong, b""
        if pong and not self.close_sent:
            self.transport.write(pong)

    def handle_pong(self, event: Frame) -> None:
        """Count a pong."""
        self._count_frame()
        super().handle_pong(event)

    def handle_cont(self, event: Frame) -> None:
        """Handle a fragment of a message."""
        super().handle_cont(event)
        self._count_frame()

    def send_receive_event_to_app(self) -> None:
        """Pass a complete message to the app."""
        # `handle_cont` counts the last fragment afterwards, which gives 0.
        self._frames_without_message = -1
        super().send_receive_event_to_app()

    def on_task_complete(self, task: Task[None]) -> None:
        """Start the abort timer when the app has served the connection."""
        super().on_task_complete(task)
        self._abort_later(self.abort_after_s)

    def shutdown(self) -> None:
        """Close the connection because the server stops."""
        super().shutdown()
        self._abort_later(_ABORT_AFTER_SHUTDOWN_S)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the abort timer."""
        super().connection_lost(exc)
        if self._abort_timer is not None:
            self._abort_timer.cancel()

    def _abort_later(self, wait_s: float) -> None:
        if self._abort_timer is not None:
            self._abort_timer.cancel()
        if not self.disconnected:
            self._abort_timer = self.loop.call_later(wait_s, self.transport.abort)

    def _count_frame(self) -> None:
        self._frames_without_message += 1
        if self._frames_without_message > _MAX_FRAMES_WITHOUT_MESSAGE and not self.close_sent:
            self.conn.fail(CloseCode.POLICY_VIOLATION, "too many frames without a message")
            self.handle_parser_exception()

    def _reject(self, response: bytes) -> None:
        self.close_sent = self.disconnected = True
        self.transport.write(response)
        self.transport.close()
