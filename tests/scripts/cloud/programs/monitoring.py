"""Cloud Monitoring, as far as it tells how many requests each revision has answered.

Source: https://cloud.google.com/monitoring/api/ref_v3/rest/v3/projects.timeSeries/list
"""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from scripts.local.ports import HOST
from tests.scripts.cloud.programs.identity import ACCESS_TOKEN

_PAGE = 2  # small, so that nobody gets along with the first
_GROUPS = [
    "resource.labels.service_name",
    "resource.labels.revision_name",
    "metric.labels.response_code_class",
]


class Monitoring:
    """What it knows, and how it is."""

    def __init__(self) -> None:
        self.requests: dict[str, dict[str, int]] = {}
        """Numbers by class of statuses, by revision; a service is what is before `-0`."""

        self.asked: list[dict[str, list[str]]] = []
        """The queries so far."""

        self.outage: tuple[int, str] | None = None
        """A status and a body that it answers everything with."""

        self.address = ""

    def answer(self, path: str, token: str | None) -> tuple[int, str]:
        """Answer one request."""
        url = urlsplit(path)
        query = parse_qs(url.query)
        self.asked.append(query)
        if self.outage is not None:
            return self.outage
        if token != f"Bearer {ACCESS_TOKEN}":
            return HTTPStatus.UNAUTHORIZED, "{}"
        if not _is_understood(url.path, query):
            return HTTPStatus.BAD_REQUEST, "{}"
        return HTTPStatus.OK, json.dumps(self._page(query))

    def _page(self, query: dict[str, list[str]]) -> dict[str, Any]:
        series = [
            _series(revision, of_class, number, query)
            for revision, numbers in self.requests.items()
            for of_class, number in numbers.items()
            if f'"{revision.partition("-0")[0]}"' in query["filter"][0]
        ]
        begin = int(query.get("pageToken", ["0"])[0])
        following = begin + _PAGE
        token = str(following) if following < len(series) else ""
        return {"timeSeries": series[begin:following], "nextPageToken": token, "unit": "1"}


def _is_understood(path: str, query: dict[str, list[str]]) -> bool:
    begin, end = (
        datetime.fromisoformat(query[f"interval.{name}"][0]) for name in ("startTime", "endTime")
    )
    period_s = int(query["aggregation.alignmentPeriod"][0].removesuffix("s"))
    return (
        path == "/v3/projects/liftlog-prod/timeSeries"
        and 'metric.type = "run.googleapis.com/request_count"' in query["filter"][0]
        and begin <= end
        and period_s >= 60
        and query["aggregation.perSeriesAligner"] == ["ALIGN_SUM"]
        and query["aggregation.crossSeriesReducer"] == ["REDUCE_SUM"]
        and query["aggregation.groupByFields"] == _GROUPS
    )


def _series(
    revision: str, of_class: str, number: int, query: dict[str, list[str]]
) -> dict[str, Any]:
    interval = {name: query[f"interval.{name}"][0] for name in ("startTime", "endTime")}
    # Two points: nobody is to take the first for all.
    parts = number // 2, number - number // 2
    return {
        "metric": {
            "type": "run.googleapis.com/request_count",
            "labels": {"response_code_class": of_class},
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
def serving() -> Iterator[Monitoring]:
    """Serve it for the length of the block."""
    monitoring = Monitoring()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = monitoring.answer(self.path, self.headers["Authorization"])
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002
            """Say nothing."""

    with ThreadingHTTPServer((HOST, 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        monitoring.address = f"http://{HOST}:{server.server_address[1]}"
        yield monitoring
        server.shutdown()
        thread.join()
