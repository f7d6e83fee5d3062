"""SignalBuffer: signals before, during and after the connection of an exporter."""

from collections.abc import Callable

from shared.telemetry.buffer import (
    MAX_BUFFERED_SIGNALS,
    Measurement,
    Signal,
    SignalBuffer,
    SignalExporter,
    Span,
)
from shared.telemetry.metrics import PASSWORD_CHECKS


class ListExporter(SignalExporter):
    """Keeps all signals; calls `on_add` for each."""

    def __init__(self, on_add: Callable[[], None] = lambda: None) -> None:
        self.signals: list[Signal] = []
        self.is_closed = False
        self._on_add = on_add

    def add(self, signal: Signal, /) -> None:
        self.signals.append(signal)
        self._on_add()

    def close(self) -> None:
        self.is_closed = True


def measurement(value: float) -> Measurement:
    return Measurement(PASSWORD_CHECKS, value, {"outcome": "hashed"})


def test_signals_before_and_after_connect_are_exported() -> None:
    buffer, exporter = SignalBuffer(), ListExporter()
    buffer.add(measurement(1))
    buffer.connect(exporter)
    buffer.add(measurement(2))
    assert exporter.signals == [measurement(1), measurement(2)]


def test_signal_added_during_connect_is_exported() -> None:
    buffer = SignalBuffer()
    later = [measurement(2)]
    exporter = ListExporter(lambda: buffer.add(later.pop()) if later else None)
    buffer.add(measurement(1))
    buffer.connect(exporter)
    assert exporter.signals == [measurement(1), measurement(2)]


def test_full_buffer_keeps_the_newest_signals() -> None:
    buffer, exporter = SignalBuffer(), ListExporter()
    for value in range(MAX_BUFFERED_SIGNALS + 1):
        buffer.add(measurement(value))
    buffer.connect(exporter)
    assert len(exporter.signals) == MAX_BUFFERED_SIGNALS
    assert exporter.signals[0] == measurement(1)


def test_full_buffer_of_spans_keeps_earlier_measurements() -> None:
    buffer, exporter = SignalBuffer(), ListExporter()
    buffer.add(measurement(1))
    for _ in range(MAX_BUFFERED_SIGNALS + 1):
        buffer.add(Span("store read", "client", "1" * 32, "1" * 16, None, 0, 1, {}, None))
    buffer.connect(exporter)
    assert measurement(1) in exporter.signals


def test_close_closes_the_connected_exporter() -> None:
    buffer, exporter = SignalBuffer(), ListExporter()
    buffer.connect(exporter)
    buffer.close()
    assert exporter.is_closed


def test_close_without_exporter_does_nothing() -> None:
    buffer = SignalBuffer()
    buffer.add(measurement(1))
    buffer.close()
