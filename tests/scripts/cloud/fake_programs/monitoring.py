"""A fake of Cloud Monitoring that returns request counts by revision.

Source: https://cloud.google.com/monitoring/api/ref_v3/rest/v3/projects.timeSeries/list
"""

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from scripts.local.ports import HOST
from tests.scripts.cloud.fake_programs.identity import ACCESS_TOKEN

_PAGE_SIZE = 2  # so small that a client that ignores the page token fails
_GROUPS = [
    "resource.labels.service_name",
    "resource.labels.revision_name",
    "metric.labels.response_code_class",
]

Query = Mapping[str, list[str]]


class FakeMonitoring:
    """Counts of requests, and the queries for them."""

    def __init__(self) -> None:
        self.requests: dict[str, dict[str, int]] = {}
        """Counts by status class, by revision; the service is the part before `-0`."""

        self.queries: list[dict[str, list[str]]] = []
        """All queries so far."""

        self.outage: tuple[int, str] | None = None
        """Status and body of every response during an outage."""

        self.address = ""

    def respond(self, path: str, token: str | None) -> tuple[int, str]:
        """Return status and body for one request."""
        url = urlsplit(path)
        query = parse_qs(url.query)
        self.queries.append(query)
        if self.outage is not None:
            return self.outage
        if token != f"Bearer {ACCESS_TOKEN}":
            return HTTPStatus.UNAUTHORIZED, "{}"
        if not _is_valid(url.path, query):
            return HTTPStatus.BAD_REQUEST, "{}"
        return HTTPStatus.OK, json.dumps(self._page(query))

    def _page(self, query: Query) -> dict[str, Any]:
        series = [
            _series(revision, status_class, count, query)
            for revision, counts in self.requests.items()
            for status_class, count in counts.items()
            if f'"{revision.partition("-0")[0]}"' in query["filter"][0]
        ]
        start = int(query.get("pageToken", ["0"])[0])
        following = start + _PAGE_SIZE
        token = str(following) if following < len(series) else ""
        return {"timeSeries": series[start:following], "nextPageToken": token, "unit": "1"}


def _is_valid(path: str, query: Query) -> bool:
    start, end = (
        datetime.fromisoformat(query[f"interval.{name}"][0]) for name in ("startTime", "endTime")
    )
    period_s = int(query["aggregation.alignmentPeriod"][0].removesuffix("s"))
    return (
        path == "/v3/projects/liftlog-prod/timeSeries"
        and 'metric.type = "run.googleapis.com/request_count"' in query["filter"][0]
        and start <= end
        and period_s >= 60
        and query["aggregation.perSeriesAligner"] == ["ALIGN_SUM"]
        and query["aggregation.crossSeriesReducer"] == ["REDUCE_SUM"]
        and query["aggregation.groupByFields"] == _GROUPS
    )


def _series(revision: str, status_class: str, count: int, query: Query) -> dict[str, Any]:
    interval = {name: query[f"interval.{name}"][0] for name in ("startTime", "endTime")}
    # Two points: a client that reads only the first fails.
    parts = count // 2, count - count // 2
    return {
        "metric": {
            "type": "run.googleapis.com/request_count",
            "labels": {"response_code_class": status_class},
        },
        "resource": {
            "type": "cloud_run_revision",
            "labels": {
                "project_id": "liftlog-prod",
                "service_name": revision.partition("-0")[0],
                "revision_name": revision,
            },
        },
        "metricKind": "DELTA",
        "valueType": "INT64",
        "points": [{"interval": interval, "value": {"int64Value": str(part)}} for part in parts],
    }


@contextmanager
def serve_monitoring() -> Iterator[FakeMonitoring]:
    """Serve the fake during the block."""
    monitoring = FakeMonitoring()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = monitoring.respond(self.path, self.headers["Authorization"])
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - the name of the base class
            """Log nothing."""

    with ThreadingHTTPServer((HOST, 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        monitoring.address = f"http://{HOST}:{server.server_address[1]}"
        yield monitoring
        server.shutdown()
        thread.join()
