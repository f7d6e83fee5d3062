"""Metrics and spans on their way to a collector, in OpenTelemetry's protocol over HTTP.

The only file that knows OpenTelemetry, and loaded only where something is exported.

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

from shared.telemetry.destinations import Attributes, Span
from shared.telemetry.metrics import ALL, Metric
from shared.telemetry.settings import TelemetrySettings

logger = logging.getLogger(__name__)

_GOOGLE = "https://telemetry.googleapis.com/"
_SCOPES = ("https://www.googleapis.com/auth/cloud-platform",)
_TIMEOUT_S = 5
_TELL_EACH_S = 600
_NO_ANSWER = "no answer"
_SCOPE = "liftlog"
_KINDS = {"server": SpanKind.SERVER, "client": SpanKind.CLIENT}
_SAMPLED = TraceFlags(TraceFlags.SAMPLED)


class _Complaints:
    """Says that something was not exported, and why, but not each time: it is tried on and on."""

    def __init__(self, what: str, session: requests.Session) -> None:
        self._what = what
        self._told_at: float | None = None
        self._reason = _NO_ANSWER
        session.max_redirects = 0
        session.hooks["response"].append(self._look)

    def _look(self, answer: requests.Response, **_: object) -> None:
        """Note what was answered. The library looks at the status alone."""
        self._reason = f"status {answer.status_code}"
        if answer.ok and answer.content:
            # An answer in which there is anything says what was not taken.
            # Source: OTLP, "Partial Success"
            self._reason = "not all of it was taken"
            self.tell()

    def tell(self) -> None:
        now = time.monotonic()
        if self._told_at is None or now - self._told_at >= _TELL_EACH_S:
            self._told_at = now
            logger.warning("%s cannot be exported: %s", self._what, self._reason)
        self._reason = _NO_ANSWER


class _Spans(OTLPSpanExporter):
    def __init__(self, endpoint: str, session: requests.Session) -> None:
        super().__init__(f"{endpoint}v1/traces", timeout=_TIMEOUT_S, session=session)
        self._complaints = _Complaints("spans", session)

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        result = super().export(spans)
        if result is not SpanExportResult.SUCCESS:
            self._complaints.tell()
        return result


class _Metrics(OTLPMetricExporter):
    def __init__(self, endpoint: str, session: requests.Session) -> None:
        super().__init__(f"{endpoint}v1/metrics", timeout=_TIMEOUT_S, session=session)
        self._complaints = _Complaints("metrics", session)

    def export(
        self, metrics_data: MetricsData, timeout_millis: float | None = 10_000, **kwargs: object
    ) -> MetricExportResult:
        result = super().export(metrics_data, timeout_millis, **kwargs)
        if result is not MetricExportResult.SUCCESS:
            self._complaints.tell()
        return result


class Export:
    """Sends to Google Cloud, or to any collector; in threads of its own.

    How often is OpenTelemetry's to say: spans each 5 s, metrics each minute, unless
    `OTEL_BSP_SCHEDULE_DELAY` and `OTEL_METRIC_EXPORT_INTERVAL` want it otherwise.

    Raises:
        google.auth.exceptions.GoogleAuthError: there are no credentials.
    """

    def __init__(self, settings: TelemetrySettings) -> None:
        # These would log each failure, with addresses and whatever the collector answered.
        logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)
        for name in ("google.auth.compute_engine._metadata", "urllib3.connectionpool"):
            logging.getLogger(name).setLevel(logging.ERROR)
        endpoint, open_session, project = _reached(settings)
        self._resource = _resource(settings, project)
        self._spans = BatchSpanProcessor(_Spans(endpoint, open_session()))
        reader = PeriodicExportingMetricReader(_Metrics(endpoint, open_session()))
        self._meters = MeterProvider([reader], self._resource, shutdown_on_exit=False)
        meter = self._meters.get_meter(_SCOPE)
        self._instruments = {metric.name: _instrument(meter, metric) for metric in ALL}
        self._scope = InstrumentationScope(_SCOPE)

    def add(self, metric: Metric, value: float, attributes: Attributes) -> None:
        """Take a value."""
        named = {metric.keywords[k]: each for k, each in attributes.items() if each is not None}
        instrument = self._instruments[metric.name]
        if isinstance(instrument, Histogram):
            instrument.record(value, named)
        else:
            instrument.add(value, named)

    def end(self, span: Span) -> None:
        """Take a span."""
        trace_id, parent_id = int(span.trace_id, 16), span.parent_id
        named = {name: each for name, each in span.attributes.items() if each is not None}
        failed = {"error.type": span.error} if span.error else {}
        self._spans.on_end(
            ReadableSpan(
                name=span.name,
                context=_context(trace_id, span.span_id),
                parent=None if parent_id is None else _context(trace_id, parent_id),
                resource=self._resource,
                attributes={**named, **failed},
                kind=_KINDS[span.kind],
                status=Status(StatusCode.ERROR if span.error else StatusCode.UNSET),
                start_time=span.began_ns,
                end_time=span.ended_ns,
                instrumentation_scope=self._scope,
            )
        )

    def close(self) -> None:
        """Send what is left."""
        self._spans.shutdown()
        self._meters.shutdown()


def _reached(
    settings: TelemetrySettings,
) -> tuple[str, Callable[[], requests.Session], str | None]:
    """Return where to send to, what connects to there, and the project that it is for."""
    if settings.export == "otlp":
        return f"{str(settings.otlp_endpoint).rstrip('/')}/", requests.Session, settings.project
    # Credentials of a person name a project to bill, which the session sends along.
    credentials, project = google.auth.default(scopes=_SCOPES)
    open_session = partial(AuthorizedSession, credentials, refresh_timeout=_TIMEOUT_S)
    return _GOOGLE, open_session, settings.project or project


def _resource(settings: TelemetrySettings, project: str | None) -> Resource:
    attributes = {
        "service.name": settings.service or "liftlog",
        "service.version": settings.revision,
        "service.instance.id": str(uuid4()),
        "gcp.project_id": project,
        # Cloud Monitoring takes no point without a location.
        # Source: https://docs.cloud.google.com/stackdriver/docs/reference/telemetry/v1.metrics
        "cloud.region": settings.region,
    }
    return Resource.create({name: each for name, each in attributes.items() if each})


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
