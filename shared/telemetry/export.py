"""Export of metrics and spans to a collector: OpenTelemetry's protocol (OTLP) over HTTP.

The only module that imports OpenTelemetry; it is loaded only while the export is on.

Source: https://opentelemetry.io/docs/specs/otlp/ and
https://cloud.google.com/stackdriver/docs/reference/telemetry/overview
"""

import logging
import time
from collections.abc import Callable, Sequence
from functools import partial
from uuid import uuid4

import google.auth
import requests
from google.auth.transport.requests import AuthorizedSession
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.metrics import Counter, Histogram, Meter, UpDownCounter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import (
    MetricExportResult,
    MetricsData,
    PeriodicExportingMetricReader,
)
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExportResult
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, SpanKind, TraceFlags
from opentelemetry.trace.status import Status, StatusCode

from shared.telemetry.buffer import Measurement, Signal, Span
from shared.telemetry.metrics import ALL, Metric
from shared.telemetry.settings import TelemetrySettings

logger = logging.getLogger(__name__)

_GOOGLE_ENDPOINT = "https://telemetry.googleapis.com/"
_GOOGLE_SCOPES = ("https://www.googleapis.com/auth/cloud-platform",)
_REQUEST_TIMEOUT_S = 5
# The exporters retry every batch, so an outage of the collector would fill the log.
_FAILURE_LOG_INTERVAL_S = 600
_NO_RESPONSE = "no response"
_SCOPE = "liftlog"
_KINDS = {"server": SpanKind.SERVER, "client": SpanKind.CLIENT}
_SAMPLED = TraceFlags(TraceFlags.SAMPLED)


class _FailureLog:
    """Logs failed exports with their cause, at most one line per interval."""

    def __init__(self, signals: str, session: requests.Session) -> None:
        self._signals = signals
        self._logged_at_s: float | None = None
        self._cause = _NO_RESPONSE
        # Follow no redirects: the address in the settings is the only permitted destination.
        session.max_redirects = 0
        session.hooks["response"].append(self._note_response)

    def _note_response(self, response: requests.Response, **_: object) -> None:
        self._cause = f"status {response.status_code}"
        # The library checks the status only. A body in a successful response reports rejected
        # items. Source: OTLP, "Partial Success"
        if response.ok and response.content:
            self._cause = "some items were rejected"
            self.log()

    def log(self) -> None:
        now_s = time.monotonic()
        if self._logged_at_s is None or now_s - self._logged_at_s >= _FAILURE_LOG_INTERVAL_S:
            self._logged_at_s = now_s
            logger.warning("%s cannot be exported: %s", self._signals, self._cause)
        self._cause = _NO_RESPONSE


class _SpanExporter(OTLPSpanExporter):
    def __init__(self, endpoint: str, session: requests.Session) -> None:
        super().__init__(f"{endpoint}v1/traces", timeout=_REQUEST_TIMEOUT_S, session=session)
        self._failures = _FailureLog("spans", session)

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        result = super().export(spans)
        if result is not SpanExportResult.SUCCESS:
            self._failures.log()
        return result


class _MetricExporter(OTLPMetricExporter):
    def __init__(self, endpoint: str, session: requests.Session) -> None:
        super().__init__(f"{endpoint}v1/metrics", timeout=_REQUEST_TIMEOUT_S, session=session)
        self._failures = _FailureLog("metrics", session)

    def export(
        self, metrics_data: MetricsData, timeout_millis: float | None = 10_000, **kwargs: object
    ) -> MetricExportResult:
        result = super().export(metrics_data, timeout_millis, **kwargs)
        if result is not MetricExportResult.SUCCESS:
            self._failures.log()
        return result


class Exporter:
    """Exports signals to Google Cloud or to another collector, in background threads.

    OpenTelemetry's defaults apply: spans every 5 s, metrics every 60 s. The environment variables
    `OTEL_BSP_SCHEDULE_DELAY` and `OTEL_METRIC_EXPORT_INTERVAL` change them.

    Raises:
        google.auth.exceptions.GoogleAuthError: there are no credentials.
    """

    def __init__(self, settings: TelemetrySettings) -> None:
        # These loggers would repeat every failure, with addresses and the collector's response.
        logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)
        for name in ("google.auth.compute_engine._metadata", "urllib3.connectionpool"):
            logging.getLogger(name).setLevel(logging.ERROR)
        endpoint, open_session, project = _destination(settings)
        self._resource = _resource(settings, project)
        # One session per exporter: a session is not thread-safe, and each exporter has a thread.
        self._spans = BatchSpanProcessor(_SpanExporter(endpoint, open_session()))
        reader = PeriodicExportingMetricReader(_MetricExporter(endpoint, open_session()))
        # `close` shuts the provider down. The SDK's exit hook would do it again, without a limit.
        self._meters = MeterProvider([reader], self._resource, shutdown_on_exit=False)
        meter = self._meters.get_meter(_SCOPE)
        self._instruments = {metric.name: _instrument(meter, metric) for metric in ALL}
        self._scope = InstrumentationScope(_SCOPE)

    def add(self, signal: Signal) -> None:
        """Queue a span, or aggregate a measurement."""
        if isinstance(signal, Measurement):
            self._record(signal)
        else:
            # A finished span with our ids: the SDK's tracer would generate a new id, but
            # log lines and child spans already refer to this one.
            self._spans.on_end(self._readable(signal))

    def close(self) -> None:
        """Export the pending signals; may block."""
        self._spans.shutdown()
        self._meters.shutdown()

    def _record(self, measurement: Measurement) -> None:
        metric, value, by_keyword = measurement
        attributes = {metric.keywords[k]: v for k, v in by_keyword.items() if v is not None}
        instrument = self._instruments[metric.name]
        if isinstance(instrument, Histogram):
            instrument.record(value, attributes)
        else:
            instrument.add(value, attributes)

    def _readable(self, span: Span) -> ReadableSpan:
        trace_id, parent_id = int(span.trace_id, 16), span.parent_id
        attributes = {name: value for name, value in span.attributes.items() if value is not None}
        if span.error:
            attributes["error.type"] = span.error
        return ReadableSpan(
            name=span.name,
            context=_context(trace_id, span.span_id),
            parent=None if parent_id is None else _context(trace_id, parent_id),
            resource=self._resource,
            attributes=attributes,
            kind=_KINDS[span.kind],
            status=Status(StatusCode.ERROR if span.error else StatusCode.UNSET),
            start_time=span.started_at_ns,
            end_time=span.ended_at_ns,
            instrumentation_scope=self._scope,
        )


def _destination(
    settings: TelemetrySettings,
) -> tuple[str, Callable[[], requests.Session], str | None]:
    """Return the endpoint, a factory of sessions for it, and the Google Cloud project."""
    if settings.export == "otlp":
        return f"{str(settings.otlp_endpoint).rstrip('/')}/", requests.Session, settings.project
    # With a developer's own credentials, the session sends the project to bill along.
    credentials, project = google.auth.default(scopes=_GOOGLE_SCOPES)
    open_session = partial(AuthorizedSession, credentials, refresh_timeout=_REQUEST_TIMEOUT_S)
    return _GOOGLE_ENDPOINT, open_session, settings.project or project


def _resource(settings: TelemetrySettings, project: str | None) -> Resource:
    attributes = {
        "service.name": settings.service or "liftlog",
        "service.version": settings.revision,
        # Without it, two instances of one revision would write to the same time series.
        "service.instance.id": str(uuid4()),
        "gcp.project_id": project,
        # Cloud Monitoring rejects points without a location.
        # Source: https://docs.cloud.google.com/stackdriver/docs/reference/telemetry/v1.metrics
        "cloud.region": settings.region,
    }
    return Resource.create({name: value for name, value in attributes.items() if value})


def _instrument(meter: Meter, metric: Metric) -> Counter | Histogram | UpDownCounter:
    name, unit, description = metric.name, metric.unit, metric.description
    if metric.kind == "counter":
        return meter.create_counter(name, unit, description)
    if metric.kind == "up-down counter":
        return meter.create_up_down_counter(name, unit, description)
    return meter.create_histogram(
        name, unit, description, explicit_bucket_boundaries_advisory=metric.buckets
    )


def _context(trace_id: int, span_id: str) -> SpanContext:
    return SpanContext(trace_id, int(span_id, 16), is_remote=False, trace_flags=_SAMPLED)
