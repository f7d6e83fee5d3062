"""What Cloud Monitoring tells of requests, against a stand-in that speaks its wire format."""

import socket
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from scripts.local.ports import HOST
from scripts.release import counts as counts_module
from scripts.release.counts import (
    ADDRESS_VARIABLE,
    RevisionCounts,
    UnknownCountsError,
    counts,
)
from scripts.release.gate import Counts
from tests.scripts.cloud.programs.identity import ACCESS_TOKEN
from tests.scripts.cloud.programs.monitoring import Monitoring, serving

BEGAN = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.fixture
def monitoring(monkeypatch: pytest.MonkeyPatch) -> Iterator[Monitoring]:
    """Return what the stand-in knows."""
    with serving() as running:
        monkeypatch.setenv(ADDRESS_VARIABLE, running.address)
        yield running


def ask(after_s: float = 300, token: str = ACCESS_TOKEN) -> RevisionCounts:
    services = ("users", "events")
    return counts("liftlog-prod", token, services, BEGAN, BEGAN + timedelta(seconds=after_s))


def test_all_classes_of_all_pages_are_summed_by_revision(monitoring: Monitoring) -> None:
    monitoring.requests = {
        "users-00001": {"2xx": 101, "4xx": 20, "5xx": 3},
        "users-00002": {"1xx": 1, "2xx": 7, "3xx": 1},
        "events-00001": {"5xx": 4, "2xx": 6},  # errors come first
        "social-00001": {"5xx": 9},
    }
    assert ask() == {
        ("users", "users-00001"): Counts(124, 3),
        ("users", "users-00002"): Counts(9, 0),
        ("events", "events-00001"): Counts(10, 4),
    }
    assert len(monitoring.asked) > 1


def test_where_nobody_has_asked_there_are_no_counts(monitoring: Monitoring) -> None:
    assert ask() == {}


def test_the_interval_is_all_since_the_beginning(monitoring: Monitoring) -> None:
    ask(after_s=301)
    [query] = monitoring.asked
    assert query["interval.startTime"] == ["2026-01-01T12:00:00+00:00"]
    assert query["interval.endTime"] == ["2026-01-01T12:05:01+00:00"]
    assert query["aggregation.alignmentPeriod"] == ["301s"]


def test_less_than_a_minute_can_be_asked_after(monitoring: Monitoring) -> None:
    ask(after_s=0.5)
    assert monitoring.asked[0]["aggregation.alignmentPeriod"] == ["60s"]


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
def test_an_outage_is_no_count(monitoring: Monitoring, status: int, body: str) -> None:
    monitoring.outage = status, body
    with pytest.raises(UnknownCountsError):
        ask()


def test_whoever_may_not_read_is_told(monitoring: Monitoring) -> None:
    with pytest.raises(UnknownCountsError, match="401"):
        ask(token="another's")  # noqa: S106 - opens nothing


def test_who_does_not_answer_is_an_outage(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ADDRESS_VARIABLE, "http://127.0.0.1:1")
    with pytest.raises(UnknownCountsError):
        ask()


def test_who_never_answers_is_an_outage(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counts_module, "_TIMEOUT_S", 0.2)
    with socket.create_server((HOST, 0)) as silent:
        monkeypatch.setenv(ADDRESS_VARIABLE, f"http://{HOST}:{silent.getsockname()[1]}")
        with pytest.raises(UnknownCountsError, match="timed out"):
            ask()
