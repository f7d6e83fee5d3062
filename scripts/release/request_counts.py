"""Requests and errors of each revision, from Cloud Monitoring.

Source: https://cloud.google.com/monitoring/api/ref_v3/rest/v3/projects.timeSeries/list and
https://cloud.google.com/monitoring/api/metrics_gcp_p_z#gcp-run (request_count)
"""

import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import httpx

from scripts.release.gate import RequestCounts

ADDRESS_VARIABLE = "MONITORING_ADDRESS"
"""Environment variable with another address for Cloud Monitoring, for tests."""

_ADDRESS = "https://monitoring.googleapis.com"
_TIMEOUT_S = 20
# Cloud Monitoring rejects a shorter alignment period.
_MIN_PERIOD_S = 60
_ERROR_CLASS = "5xx"
_GROUPS = (
    "resource.labels.service_name",
    "resource.labels.revision_name",
    "metric.labels.response_code_class",
)

CountsByRevision = Mapping[tuple[str, str], RequestCounts]
"""Counts by service and revision; revisions without requests are absent."""


class CountsUnavailableError(Exception):
    """Cloud Monitoring returned no counts, which is not a sign of a broken revision."""


def count_requests(
    project: str, token: str, services: Collection[str], since: datetime, until: datetime
) -> CountsByRevision:
    """Count the requests of services. Counts are complete two to three minutes late.

    Args:
        project: the project of the services.
        token: an access token.
        services: names of services.
        since: start of the interval.
        until: end of the interval.

    Raises:
        CountsUnavailableError: the request failed, or the response has an unknown form.
    """
    # Summed by Cloud Monitoring: one number for each service, revision and status class.
    names = ",".join(f'"{name}"' for name in services)
    query = {
        "filter": f'metric.type = "run.googleapis.com/request_count" '
        f"AND resource.labels.service_name = one_of({names})",
        "interval.startTime": since.isoformat(),
        "interval.endTime": until.isoformat(),
        "aggregation.alignmentPeriod": f"{_period_s(since, until)}s",
        "aggregation.perSeriesAligner": "ALIGN_SUM",
        "aggregation.crossSeriesReducer": "REDUCE_SUM",
        "aggregation.groupByFields": list(_GROUPS),
    }
    address = os.environ.get(ADDRESS_VARIABLE) or _ADDRESS
    found: dict[tuple[str, str], RequestCounts] = {}
    try:
        with httpx.Client(
            base_url=address, headers={"Authorization": f"Bearer {token}"}, timeout=_TIMEOUT_S
        ) as client:
            for series in _read_pages(client, f"/v3/projects/{project}/timeSeries", query):
                _add(series, found)
    except httpx.HTTPError as error:
        raise CountsUnavailableError(str(error) or type(error).__name__) from None
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise CountsUnavailableError(f"unexpected response: {error!r}") from None
    return found


def _read_pages(
    client: httpx.Client, path: str, query: Mapping[str, str | Sequence[str]]
) -> Iterator[Any]:
    token: str | None = ""
    while token is not None:
        page = client.get(path, params={**query, **({"pageToken": token} if token else {})})
        page.raise_for_status()
        content = page.json()
        yield from content.get("timeSeries", ())
        # The last page has an empty token or none.
        token = content.get("nextPageToken") or None


def _add(series: Any, found: dict[tuple[str, str], RequestCounts]) -> None:  # noqa: ANN401 - JSON
    labels = series["resource"]["labels"]
    key = labels["service_name"], labels["revision_name"]
    requests = sum(int(point["value"]["int64Value"]) for point in series["points"])
    is_error = series["metric"]["labels"]["response_code_class"] == _ERROR_CLASS
    before = found.get(key, RequestCounts())
    found[key] = RequestCounts(before.requests + requests, before.errors + requests * is_error)


def _period_s(since: datetime, until: datetime) -> int:
    """Return an alignment period of the whole interval, which gives one point per series."""
    return max(_MIN_PERIOD_S, int((until - since).total_seconds()))
