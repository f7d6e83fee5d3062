"""Where metrics and spans go, and where they are until they can."""

import threading
from collections import deque
from collections.abc import Mapping
from typing import Literal, NamedTuple, Protocol

from shared.telemetry.metrics import Metric

_MOST_KEPT = 10_000

Attributes = Mapping[str, str | int | None]


class Span(NamedTuple):
    """Something that took time, when it has ended."""

    name: str
    kind: Literal["server", "client"]
    trace_id: str
    span_id: str
    parent_id: str | None
    began_ns: int
    ended_ns: int
    attributes: Attributes
    error: str | None
    """The kind of the error that it ended by, or the status that told of it."""


class Destination(Protocol):
    """Where metrics and spans go; never raises, and never waits."""

    def add(self, metric: Metric, value: float, attributes: Attributes, /) -> None:
        """Take a value; attributes are by their names as arguments."""

    def end(self, span: Span, /) -> None:
        """Take a span."""

    def close(self) -> None:
        """Send what is left; may wait."""


class Kept:
    """Keeps the newest until the export is there, and passes on to it what comes later."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._values: deque[tuple[Metric, float, Attributes]] = deque(maxlen=_MOST_KEPT)
        self._spans: deque[Span] = deque(maxlen=_MOST_KEPT)
        self._next: Destination | None = None

    def add(self, metric: Metric, value: float, attributes: Attributes) -> None:
        """Take a value."""
        with self._lock:
            if self._next is None:
                self._values.append((metric, value, attributes))
                return
        self._next.add(metric, value, attributes)

    def end(self, span: Span) -> None:
        """Take a span."""
        with self._lock:
            if self._next is None:
                self._spans.append(span)
                return
        self._next.end(span)

    def close(self) -> None:
        """Let go of everything: nothing was ever exported."""

    def hand_over(self, destination: Destination) -> None:
        """Give everything to `destination`, also what comes from now on."""
        while True:
            with self._lock:
                values, spans = [*self._values], [*self._spans]
                self._values.clear()
                self._spans.clear()
                if not values and not spans:
                    # Something may be timed at the moment that will end here.
                    self._next = destination
                    return
            for each in values:
                destination.add(*each)
            for ended in spans:
                destination.end(ended)
