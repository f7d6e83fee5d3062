"""Metrics and spans, from the code that knows them to the export, if there is one.

Without one, to count something costs a check of its name, and to time something nothing.
"""

import logging
import threading
import time
from contextlib import AbstractContextManager, nullcontext
from types import TracebackType

from shared.telemetry.current_request import CurrentRequest, current_request
from shared.telemetry.destinations import Attributes, Destination, Kept, Span
from shared.telemetry.metrics import BY_NAME, Metric
from shared.telemetry.settings import TelemetrySettings
from shared.telemetry.trace_context import new_span_id

logger = logging.getLogger(__name__)

_THREAD = "telemetry"
_LEAST_ERROR = 500
_AFTER_S = 0.5  # the answer has to be on its way: its bytes are written later than it is sent


class _Signals:
    """What this process does with its metrics and spans; by default nothing."""

    def __init__(self) -> None:
        self._settings: TelemetrySettings | None = None
        self._kept = Kept()
        self._loading: threading.Thread | None = None
        self.destination: Destination | None = None

    def prepare(self, settings: TelemetrySettings) -> None:
        self._settings = None if settings.export == "off" else settings
        self._kept = Kept()
        self.destination = None if settings.export == "off" else self._kept

    def begin(self) -> None:
        settings, self._settings = self._settings, None
        if settings is not None:
            # Beside the requests: to load OpenTelemetry takes longer than most of them.
            self._loading = threading.Thread(
                target=self._load, args=[settings], name=_THREAD, daemon=True
            )
            self._loading.start()

    def _load(self, settings: TelemetrySettings) -> None:
        time.sleep(_AFTER_S)
        try:
            from shared.telemetry.export import Export  # noqa: PLC0415 - not before it is needed

            export = Export(settings)
        except Exception:  # no credentials, for instance: requests must not know
            self.destination = None
            self._kept = Kept()
            logger.exception("telemetry cannot be exported")
        else:
            self._kept.hand_over(export)
            self.destination = export

    def close(self, within_s: float) -> None:
        closing = threading.Thread(target=self._close, name=_THREAD, daemon=True)
        closing.start()
        closing.join(within_s)

    def _close(self) -> None:
        if self._loading is not None:
            self._loading.join()
        destination, self.destination = self.destination, None
        if destination is not None:
            destination.close()


_signals = _Signals()


def prepare_export(settings: TelemetrySettings) -> None:
    """Export from now on what `settings` say, once `start_export` was called."""
    _signals.prepare(settings)


def start_export() -> None:
    """Load the export, if there is to be one, and hand over what was kept; does so once.

    In the process that serves, after its first answer: gunicorn forks it after the code is loaded.
    """
    _signals.begin()


def close_export(within_s: float) -> None:
    """Send what has not been sent yet, and wait for that at most so long."""
    _signals.close(within_s)


def is_exporting() -> bool:
    """Whether spans go anywhere."""
    return _signals.destination is not None


def add(metric: Metric, value: float, **attributes: str | int | None) -> None:
    """Add `value` to a counter, or to what a histogram is made of.

    Attributes are named as in the metric's declaration, with `_` for every dot.

    Raises:
        ValueError: the metric is not in our table, or has other attributes.
    """
    if BY_NAME.get(metric.name) is not metric or attributes.keys() != metric.keywords.keys():
        raise ValueError(f"no such metric: {metric.name} with {sorted(attributes)}")
    destination = _signals.destination
    if destination is not None:
        destination.add(metric, value, attributes)


_NOTHING = nullcontext()


def span(name: str) -> AbstractContextManager[None]:
    """Time what is done inside the block, as a part of the current request.

    The name is one of few: no names, addresses or tokens.
    """
    destination, request = _signals.destination, current_request()
    if destination is None or request is None or not request.is_sampled:
        return _NOTHING
    return _Timing(name, request, destination)


def end_request_span(request: CurrentRequest, attributes: Attributes) -> None:
    """Tell the span of the whole request, of which the others are parts."""
    destination = _signals.destination
    if destination is None or not request.is_sampled:
        return
    ended_ns = request.began_ns + int(request.duration_s * 1e9)
    is_error = request.failure is not None or (request.status or 0) >= _LEAST_ERROR
    error = str(request.status) if is_error else None
    destination.end(
        Span(
            f"{request.method} {request.route}",
            "server",
            request.trace_id,
            request.span_id,
            request.parent_id,
            request.began_ns,
            ended_ns,
            attributes,
            error,
        )
    )


class _Timing(AbstractContextManager[None]):
    __slots__ = ("_began_ns", "_destination", "_name", "_request")

    def __init__(self, name: str, request: CurrentRequest, destination: Destination) -> None:
        self._name = name
        self._request = request
        self._destination = destination
        self._began_ns = 0

    def __enter__(self) -> None:
        self._began_ns = time.time_ns()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self._destination.end(
            Span(
                self._name,
                "client",
                self._request.trace_id,
                new_span_id(),
                self._request.span_id,
                self._began_ns,
                time.time_ns(),
                {},
                None if kind is None else kind.__name__,
            )
        )
