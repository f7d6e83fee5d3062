"""Measurements and spans, and the buffer that holds them until the exporter is loaded."""

import threading
from collections import deque
from collections.abc import Mapping
from typing import Literal, NamedTuple, Protocol

from shared.telemetry.metrics import Metric

# Of each kind; together they take about 7 MiB. An instance that has CPU only during requests may
# load the exporter late.
MAX_BUFFERED_SIGNALS = 10_000

Attributes = Mapping[str, str | int | None]


class Measurement(NamedTuple):
    """One value of a metric."""

    metric: Metric
    value: float
    attributes: Attributes
    """By keyword: the attribute's name with `_` for every dot."""


class Span(NamedTuple):
    """One timed operation, after its end."""

    name: str
    kind: Literal["server", "client"]
    trace_id: str
    span_id: str
    parent_id: str | None
    started_at_ns: int
    ended_at_ns: int
    attributes: Attributes
    error: str | None
    """The class of the exception that ended the operation, or the response status."""


Signal = Measurement | Span


class SignalExporter(Protocol):
    """Destination of signals. `add` never raises and never blocks."""

    def add(self, signal: Signal, /) -> None:
        """Take one signal."""

    def close(self) -> None:
        """Export the pending signals; may block."""


class SignalBuffer:
    """Keeps the newest signals until an exporter is connected, then passes all signals on to it.

    OpenTelemetry's API has no such buffer: it drops signals from before the SDK is loaded.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        # Separate: spans must not displace measurements. A lost change of an up-down counter would
        # make all of its later values wrong.
        self._measurements: deque[Signal] = deque(maxlen=MAX_BUFFERED_SIGNALS)
        self._spans: deque[Signal] = deque(maxlen=MAX_BUFFERED_SIGNALS)
        self._exporter: SignalExporter | None = None

    def add(self, signal: Signal) -> None:
        """Keep a signal, or pass it on to the connected exporter."""
        with self._lock:
            if self._exporter is None:
                kept = self._measurements if isinstance(signal, Measurement) else self._spans
                kept.append(signal)
                return
        self._exporter.add(signal)

    def connect(self, exporter: SignalExporter) -> None:
        """Pass the kept signals on to `exporter`, and all later ones."""
        # Signals are passed on outside of the lock: the event loop would wait for it. Requests may
        # add signals meanwhile, so repeat until the buffer is empty.
        while True:
            with self._lock:
                pending = [*self._measurements, *self._spans]
                self._measurements.clear()
                self._spans.clear()
                if not pending:
                    self._exporter = exporter
                    return
            for signal in pending:
                exporter.add(signal)

    def close(self) -> None:
        """Export the pending signals; may block. Without an exporter they are dropped."""
        if self._exporter is not None:
            self._exporter.close()
