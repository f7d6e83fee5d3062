"""Interface for metrics and spans, and the life cycle of their export.

While the export is off, `add` only checks its arguments and `span` does nothing.
"""

import logging
import threading
import time
from contextlib import AbstractContextManager, nullcontext
from types import TracebackType

from shared.telemetry.buffer import Attributes, Measurement, Signal, SignalBuffer, Span
from shared.telemetry.current_request import CurrentRequest, current_request
from shared.telemetry.metrics import BY_NAME, Metric
from shared.telemetry.settings import TelemetrySettings
from shared.telemetry.trace_context import new_span_id

logger = logging.getLogger(__name__)

_THREAD_NAME = "telemetry"
_MIN_ERROR_STATUS = 500

# The server writes the first response to its socket after the request has ended here. Without a
# delay, the import of the exporter would compete with that for the interpreter's lock.
_LOAD_DELAY_S = 0.5


class _Export:
    """The export of this process; off until `prepare`."""

    def __init__(self) -> None:
        self._settings: TelemetrySettings | None = None
        self._loading: threading.Thread | None = None
        self._buffer: SignalBuffer | None = None

    @property
    def is_on(self) -> bool:
        return self._buffer is not None

    def prepare(self, settings: TelemetrySettings) -> None:
        is_on = settings.export != "off"
        self._settings = settings if is_on else None
        self._buffer = SignalBuffer() if is_on else None

    def start(self) -> None:
        settings, buffer = self._settings, self._buffer
        self._settings = None  # only the first call loads the exporter
        if settings is not None and buffer is not None:
            # In a thread: the import of OpenTelemetry's SDK takes longer than most requests.
            self._loading = threading.Thread(
                target=self._load, args=[settings, buffer], name=_THREAD_NAME, daemon=True
            )
            self._loading.start()

    def _load(self, settings: TelemetrySettings, buffer: SignalBuffer) -> None:
        time.sleep(_LOAD_DELAY_S)
        try:
            from shared.telemetry.export import Exporter  # noqa: PLC0415 - slow, see above

            exporter = Exporter(settings)
        except Exception:  # missing credentials, for example: requests must still succeed
            self._buffer = None
            logger.exception("telemetry cannot be exported")
        else:
            buffer.connect(exporter)

    def add(self, signal: Signal) -> None:
        buffer = self._buffer  # read once: the loading thread may reset it
        if buffer is not None:
            buffer.add(signal)

    def close(self, max_wait_s: float) -> None:
        # In a thread: the SDK's shutdown waits up to 30 s for a collector that does not respond.
        closing = threading.Thread(target=self._close, name=_THREAD_NAME, daemon=True)
        closing.start()
        closing.join(max_wait_s)

    def _close(self) -> None:
        if self._loading is not None:
            self._loading.join()
        buffer, self._buffer = self._buffer, None
        if buffer is not None:
            buffer.close()


_export = _Export()


def prepare_export(settings: TelemetrySettings) -> None:
    """Apply `settings`. Signals are buffered until `start_export` has loaded the exporter."""
    _export.prepare(settings)


def start_export() -> None:
    """Load the exporter in the background, if the export is on; further calls do nothing.

    Call it after the first response, in the process that serves requests. gunicorn forks that
    process after the import of the code, and threads do not survive a fork.
    """
    _export.start()


def close_export(max_wait_s: float) -> None:
    """Export the pending signals and switch the export off; wait at most `max_wait_s`."""
    _export.close(max_wait_s)


def is_exporting() -> bool:
    """Whether signals are buffered or exported."""
    return _export.is_on


def add(metric: Metric, value: float, **attributes: str | int | None) -> None:
    """Add `value` to a counter, or record it in a histogram.

    The keywords are the attributes of the metric's declaration, with `_` for every dot.

    Raises:
        ValueError: the metric is not in the table, or has other attributes.
    """
    if BY_NAME.get(metric.name) is not metric or attributes.keys() != metric.keywords.keys():
        raise ValueError(f"no such metric: {metric.name} with {sorted(attributes)}")
    _export.add(Measurement(metric, value, attributes))


_NO_SPAN = nullcontext()


def span(name: str) -> AbstractContextManager[None]:
    """Time the block as a child span of the current request.

    Args:
        name: one of a few constants. It must not contain names, addresses or tokens.
    """
    request = current_request()
    if request is None or not request.is_sampled or not _export.is_on:
        return _NO_SPAN
    return _ClientSpan(name, request)


def end_request_span(request: CurrentRequest, attributes: Attributes) -> None:
    """Emit the span of a request, the parent of all others in it."""
    if not request.is_sampled or not _export.is_on:
        return
    is_error = request.failure is not None or (request.status or 0) >= _MIN_ERROR_STATUS
    _export.add(
        Span(
            f"{request.method} {request.route}",
            "server",
            request.trace_id,
            request.span_id,
            request.parent_id,
            request.started_at_ns,
            request.started_at_ns + int(request.duration_s * 1e9),
            attributes,
            str(request.status) if is_error else None,
        )
    )


class _ClientSpan(AbstractContextManager[None]):
    # A class, not a generator: the block runs for every call to the database.
    __slots__ = ("_name", "_request", "_started_at_ns")

    def __init__(self, name: str, request: CurrentRequest) -> None:
        self._name = name
        self._request = request
        self._started_at_ns = 0

    def __enter__(self) -> None:
        self._started_at_ns = time.time_ns()

    def __exit__(
        self,
        error_class: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        _export.add(
            Span(
                self._name,
                "client",
                self._request.trace_id,
                new_span_id(),
                self._request.span_id,
                self._started_at_ns,
                time.time_ns(),
                {},
                None if error_class is None else error_class.__name__,
            )
        )
