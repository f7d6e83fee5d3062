"""How many requests each revision has answered, and with what, from Cloud Monitoring.

Source: https://cloud.google.com/monitoring/api/ref_v3/rest/v3/projects.timeSeries/list and
https://cloud.google.com/monitoring/api/metrics_gcp_p_z#gcp-run (request_count)
"""

import os
from collections.abc import Collection, Iterator, Mapping
from datetime import datetime
from typing import Any

import httpx

from scripts.release.gate import Counts

ADDRESS_VARIABLE = "MONITORING_ADDRESS"
"""The environment variable that names another server than Google's, a test's for instance."""

_ADDRESS = "https://monitoring.googleapis.com"
_TIMEOUT_S = 20
_SHORTEST_S = 60
_ERRORS = "5xx"
_GROUPS = (
    "resource.labels.service_name",
    "resource.labels.revision_name",
    "metric.labels.response_code_class",
)

RevisionCounts = Mapping[tuple[str, str], Counts]
"""Counts by service and revision; there are none for those that nobody has asked anything."""


class UnknownCountsError(Exception):
    """Cloud Monitoring does not tell, which says nothing about the revisions."""


def counts(
    project: str, token: str, services: Collection[str], since: datetime, until: datetime
) -> RevisionCounts:
    """Count the requests of services, which takes Cloud Monitoring two to three minutes to know.

    Args:
        project: where they run.
        token: an access token.
        services: their names.
        since: when counting begins.
        until: when it ends.

    Raises:
        UnknownCountsError: there is no answer, or none of the form that is documented.
    """
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
    found: dict[tuple[str, str], Counts] = {}
    try:
        with httpx.Client(
            base_url=address, headers={"Authorization": f"Bearer {token}"}, timeout=_TIMEOUT_S
        ) as client:
            for series in _pages(client, f"/v3/projects/{project}/timeSeries", query):
                _add(series, found)
    except httpx.HTTPError as error:
        raise UnknownCountsError(str(error) or type(error).__name__) from None
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise UnknownCountsError(f"an answer that is not understood: {error!r}") from None
    return found


def _pages(client: httpx.Client, path: str, query: Mapping[str, Any]) -> Iterator[Any]:
    token: str | None = ""
    while token is not None:
        page = client.get(path, params={**query, **({"pageToken": token} if token else {})})
        page.raise_for_status()
        content = page.json()
        yield from content.get("timeSeries", ())
        token = content.get("nextPageToken") or None


def _add(series: Any, found: dict[tuple[str, str], Counts]) -> None:  # noqa: ANN401 - JSON
    labels = series["resource"]["labels"]
    key = labels["service_name"], labels["revision_name"]
    requests = sum(int(point["value"]["int64Value"]) for point in series["points"])
    is_error = series["metric"]["labels"]["response_code_class"] == _ERRORS
    before = found.get(key, Counts())
    found[key] = Counts(before.requests + requests, before.errors + requests * is_error)


def _period_s(since: datetime, until: datetime) -> int:
    """Return how long one point is to be: all of it, of which Cloud Monitoring wants a minute."""
    return max(_SHORTEST_S, int((until - since).total_seconds()))
