"""Request counts from Cloud Monitoring, with a fake that has its wire format."""

import socket
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from scripts.local.ports import HOST
from scripts.release import request_counts
from scripts.release.gate import RequestCounts
from scripts.release.request_counts import (
    ADDRESS_VARIABLE,
    CountsByRevision,
    CountsUnavailableError,
    count_requests,
)
from tests.scripts.cloud.fake_programs.identity import ACCESS_TOKEN
from tests.scripts.cloud.fake_programs.monitoring import FakeMonitoring, serve_monitoring

BEGAN = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.fixture
def monitoring(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeMonitoring]:
    """A fake of Cloud Monitoring."""
    with serve_monitoring() as running:
        monkeypatch.setenv(ADDRESS_VARIABLE, running.address)
        yield running


def count(after_s: float = 300, token: str = ACCESS_TOKEN) -> CountsByRevision:
    services = ("users", "events")
    return count_requests(
        "liftlog-prod", token, services, BEGAN, BEGAN + timedelta(seconds=after_s)
    )


def test_counts_are_summed_over_classes_and_pages(monitoring: FakeMonitoring) -> None:
    monitoring.requests = {
        "users-00001": {"2xx": 101, "4xx": 20, "5xx": 3},
        "users-00002": {"1xx": 1, "2xx": 7, "3xx": 1},
        "events-00001": {"5xx": 4, "2xx": 6},  # errors come first
        "social-00001": {"5xx": 9},
    }
    assert count() == {
        ("users", "users-00001"): RequestCounts(124, 3),
        ("users", "users-00002"): RequestCounts(9, 0),
        ("events", "events-00001"): RequestCounts(10, 4),
    }
    assert len(monitoring.queries) > 1


def test_no_requests_give_no_counts(monitoring: FakeMonitoring) -> None:
    assert monitoring.requests == {}
    assert count() == {}


def test_interval_starts_with_the_canary(monitoring: FakeMonitoring) -> None:
    count(after_s=301)
    [query] = monitoring.queries
    assert query["interval.startTime"] == ["2026-01-01T12:00:00+00:00"]
    assert query["interval.endTime"] == ["2026-01-01T12:05:01+00:00"]
    assert query["aggregation.alignmentPeriod"] == ["301s"]


def test_short_interval_has_the_minimum_period(monitoring: FakeMonitoring) -> None:
    count(after_s=0.5)
    assert monitoring.queries[0]["aggregation.alignmentPeriod"] == ["60s"]


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (503, "{}"),
        (429, "{}"),
        (200, "<html>"),
        (200, "[]"),
        (200, '{"timeSeries": [{"points": []}]}'),
        (200, '{"timeSeries": [{"resource": {"labels": null}}]}'),
    ],
    ids=str,
)
def test_outage_makes_counts_unavailable(
    monitoring: FakeMonitoring, status: int, body: str
) -> None:
    monitoring.outage = status, body
    with pytest.raises(CountsUnavailableError):
        count()


@pytest.mark.usefixtures("monitoring")
def test_rejected_token_makes_counts_unavailable() -> None:
    with pytest.raises(CountsUnavailableError, match="401"):
        count(token="another")  # noqa: S106 - gives access to nothing


def test_refused_connection_makes_counts_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ADDRESS_VARIABLE, "http://127.0.0.1:1")
    with pytest.raises(CountsUnavailableError):
        count()


def test_timeout_makes_counts_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request_counts, "_TIMEOUT_S", 0.2)
    with socket.create_server((HOST, 0)) as silent:
        monkeypatch.setenv(ADDRESS_VARIABLE, f"http://{HOST}:{silent.getsockname()[1]}")
        with pytest.raises(CountsUnavailableError, match="timed out"):
            count()
