"""Fake collector: receives OpenTelemetry's protocol over HTTP and keeps all signals.

Source: https://opentelemetry.io/docs/specs/otlp/#otlphttp
"""

import asyncio
from collections.abc import Iterable, Iterator
from http import HTTPStatus
from typing import Any, NamedTuple

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

Attributes = dict[str, Any]


class Point(NamedTuple):
    """Latest value of a metric for one set of attributes."""

    attributes: Attributes
    value: float
    """The sum; for a histogram, of all its values."""


class Receiver:
    """ASGI app that responds with `status` and `body` after `delay_s`."""

    def __init__(
        self, delay_s: float = 0, status: HTTPStatus = HTTPStatus.OK, body: bytes = b""
    ) -> None:
        self.delay_s = delay_s
        self.status = status
        self.body = body
        self.requests = 0
        self._traces: list[ExportTraceServiceRequest] = []
        self._metrics: list[ExportMetricsServiceRequest] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        self.requests += 1
        body = await Request(scope, receive).body()
        await asyncio.sleep(self.delay_s)
        if scope["path"] == "/v1/traces":
            self._traces.append(ExportTraceServiceRequest.FromString(body))
        elif scope["path"] == "/v1/metrics":
            self._metrics.append(ExportMetricsServiceRequest.FromString(body))
        headers = {"Location": "/elsewhere"} if self.status == HTTPStatus.FOUND else {}
        await Response(self.body, self.status, headers)(scope, receive, send)

    @property
    def spans(self) -> list[Span]:
        """All spans in order of arrival."""
        return [
            span
            for request in self._traces
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]

    @property
    def metrics(self) -> dict[str, Metric]:
        """The latest state of each metric, by its name."""
        return {
            metric.name: metric
            for request in self._metrics
            for resource in request.resource_metrics
            for scope in resource.scope_metrics
            for metric in scope.metrics
        }

    def points(self, name: str) -> list[Point]:
        """Return the latest value of a metric for each set of attributes."""
        metric = self.metrics[name]
        if metric.HasField("histogram"):
            return [Point(read(p.attributes), p.sum) for p in metric.histogram.data_points]
        return [Point(read(p.attributes), p.as_double or p.as_int) for p in metric.sum.data_points]

    def resources(self) -> Iterator[Attributes]:
        """Yield the resource of each request."""
        for traces in self._traces:
            yield from (read(each.resource.attributes) for each in traces.resource_spans)
        for metrics in self._metrics:
            yield from (read(each.resource.attributes) for each in metrics.resource_metrics)


def read(attributes: Iterable[KeyValue]) -> Attributes:
    """Return attributes as Python values."""

    def plain(value: AnyValue) -> Any:
        return getattr(value, value.WhichOneof("value") or "string_value")

    return {pair.key: plain(pair.value) for pair in attributes}
