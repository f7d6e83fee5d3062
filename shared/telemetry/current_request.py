"""State of the current request for its log lines, its span and its metrics."""

import time
from contextvars import ContextVar, Token
from dataclasses import dataclass, field

UNKNOWN_ROUTE = "(no such route)"
"""Replaces every path without a route. The client chooses that path, so it may contain anything."""


@dataclass(slots=True)
class CurrentRequest:
    """One HTTP request, or one WebSocket connection from start to end.

    Tasks inherit it: a new task copies the context in which it is created.
    """

    method: str
    trace_id: str
    span_id: str
    """The span that the request's log lines belong to."""

    parent_id: str | None
    is_sampled: bool
    route: str = UNKNOWN_ROUTE
    """The path template. A path itself contains ids of users and shared items."""

    status: int | None = None
    """None until the response starts."""

    reason: str | None = None
    """Cause of a failure that is not the client's fault."""

    failure: int | None = None
    """Log level of a failure; set when the response failed or was aborted."""

    round_trips: int = 0
    """Calls to the database, including failed attempts."""

    documents_read: int = 0
    """Documents that Firestore bills as reads."""

    started_at_ns: int = field(default_factory=time.time_ns)
    # Durations use a monotonic clock: the wall clock of an instance can be adjusted at any time.
    _started_s: float = field(default_factory=time.perf_counter)

    @property
    def duration_s(self) -> float:
        """Seconds since the start."""
        return time.perf_counter() - self._started_s


_current: ContextVar[CurrentRequest | None] = ContextVar("current_request", default=None)


def current_request() -> CurrentRequest | None:
    """Return the request of the running task; None outside of requests."""
    return _current.get()


def set_current_request(request: CurrentRequest) -> Token[CurrentRequest | None]:
    """Make `request` the current one. Pass the result to `reset_current_request`."""
    return _current.set(request)


def reset_current_request(token: Token[CurrentRequest | None]) -> None:
    """Restore the state before `set_current_request`."""
    _current.reset(token)


def note_route(template: str) -> None:
    """Set the route of the current request: a path template without its version prefix."""
    if (request := _current.get()) is not None:
        request.route = template


def note_reason(text: str) -> None:
    """Set the cause of a failure; `text` is logged and must not contain data of the request."""
    if (request := _current.get()) is not None:
        request.reason = text


def note_failure(level: int) -> None:
    """Mark the current request as failed, even after its response has started."""
    if (request := _current.get()) is not None:
        request.failure = level


def note_round_trip(count: int = 1) -> None:
    """Count a call to the database."""
    if (request := _current.get()) is not None:
        request.round_trips += count


def note_documents(count: int) -> None:
    """Count documents read from the database."""
    if (request := _current.get()) is not None:
        request.documents_read += count
