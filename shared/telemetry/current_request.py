"""The request that is being served: what its log lines, its span and its metrics say of it."""

import time
from contextvars import ContextVar, Token
from dataclasses import dataclass, field

UNKNOWN_ROUTE = "(no such route)"
"""Stands for every path that is none of ours: these are the client's own words."""


@dataclass(slots=True)
class CurrentRequest:
    """A request, or a WebSocket from beginning to end; tasks that it starts share it."""

    method: str
    trace_id: str
    span_id: str
    """Of the span that our lines belong to."""

    parent_id: str | None
    is_sampled: bool
    route: str = UNKNOWN_ROUTE
    """The template: a path holds ids of users and of shared items."""

    status: int | None = None
    """None until something was answered."""

    reason: str | None = None
    """Why it could not be done, if not by the client's fault."""

    failure: int | None = None
    """How bad it is, as a level of the log, that the answer failed or was broken off."""

    round_trips: int = 0
    """Calls to the store, attempts that failed included."""

    documents_read: int = 0
    """As Firestore bills them."""

    began_ns: int = field(default_factory=time.time_ns)
    began: float = field(default_factory=time.perf_counter)

    @property
    def duration_s(self) -> float:
        """Seconds since it began."""
        return time.perf_counter() - self.began


_current: ContextVar[CurrentRequest | None] = ContextVar("served", default=None)


def current_request() -> CurrentRequest | None:
    """Return what is being served by the running task; None outside of requests."""
    return _current.get()


def set_current_request(request: CurrentRequest) -> Token[CurrentRequest | None]:
    """Make `request` the current one, until `end` is called with what this returns."""
    return _current.set(request)


def reset_current_request(token: Token[CurrentRequest | None]) -> None:
    """Make what was current before `begin` current again."""
    _current.reset(token)


def note_route(template: str) -> None:
    """Say which of our routes is being served, without its prefix."""
    if (request := _current.get()) is not None:
        request.route = template


def note_reason(text: str) -> None:
    """Say why the current request cannot be done, in words that hold nothing of it."""
    if (request := _current.get()) is not None:
        request.reason = text


def note_failure(level: int) -> None:
    """Say that the current request failed, also after its answer had begun."""
    if (request := _current.get()) is not None:
        request.failure = level


def note_round_trip(count: int = 1) -> None:
    """Count a call to the store."""
    if (request := _current.get()) is not None:
        request.round_trips += count


def note_documents(count: int) -> None:
    """Count documents that were read."""
    if (request := _current.get()) is not None:
        request.documents_read += count
