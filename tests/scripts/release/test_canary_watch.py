"""The watch during a step of the canary: times and results of its checks."""

import argparse
import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
from rich.console import Console

from scripts.cloud.command import RefusedError
from scripts.cloud.environments import Environment
from scripts.cloud.runner import CommandRunner
from scripts.release.canary_watch import CanaryWatch
from scripts.release.context import ReleaseContext
from scripts.release.release import Service
from scripts.release.request_counts import ADDRESS_VARIABLE
from tests.scripts.cloud.fake_programs.monitoring import FakeMonitoring, serve_monitoring
from tests.scripts.conftest import FakeClock, FakeCloud

USERS = Service("https://a", "https://b", "users-00001", "users-00002")


@pytest.fixture
def monitoring(cloud: FakeCloud, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeMonitoring]:
    """A fake of Cloud Monitoring, and a gcloud that issues tokens for it."""
    monkeypatch.setenv("PATH", cloud.environment["PATH"])
    with serve_monitoring() as running:
        monkeypatch.setenv(ADDRESS_VARIABLE, running.address)
        yield running


@dataclass(frozen=True)
class Step:
    """A finished step."""

    passed_s: float
    failure: str
    lines: list[str]


def watch_step(clock: FakeClock, step_s: float, check_interval_s: float) -> Step:
    """Watch one step, without a terminal."""
    options = argparse.Namespace(step_s=step_s, check_interval_s=check_interval_s)
    shown, failure = io.StringIO(), ""
    console = Console(file=shown, soft_wrap=True)
    prod = Environment("prod", "liftlog-prod", "us-central1")
    context = ReleaseContext(options, prod, CommandRunner(console, dry=False), console)
    watch = CanaryWatch(context, {"users": USERS}, datetime.now(UTC))
    try:
        watch.watch_step(5)
    except RefusedError as error:
        failure = str(error)
    return Step(clock.passed_s, failure, shown.getvalue().splitlines())


def test_few_requests_are_judged_at_the_end_of_a_step(
    clock: FakeClock, monitoring: FakeMonitoring
) -> None:
    monitoring.requests = {"users-00002": {"2xx": 9, "5xx": 1}}
    step = watch_step(clock, step_s=10, check_interval_s=1)
    assert step.failure.endswith("below 50 requests, no error is allowed")
    assert step.passed_s == 10
    assert len(monitoring.queries) == 11
    assert sum("users 1 errors in 10 requests" in line for line in step.lines) == 10


def test_many_errors_end_the_step_immediately(clock: FakeClock, monitoring: FakeMonitoring) -> None:
    monitoring.requests = {"users-00002": {"5xx": 10}}
    step = watch_step(clock, step_s=60, check_interval_s=60)
    assert step.failure.startswith("users: 10 errors in 10 requests")
    assert len(monitoring.queries) == 1


def test_long_interval_ends_with_the_step(clock: FakeClock, monitoring: FakeMonitoring) -> None:
    step = watch_step(clock, step_s=30, check_interval_s=60)
    assert step.failure == ""
    assert step.passed_s == 30
    assert len(monitoring.queries) == 2


def test_outage_fails_after_twice_the_step(clock: FakeClock, monitoring: FakeMonitoring) -> None:
    monitoring.outage = 503, "{}"
    step = watch_step(clock, step_s=20, check_interval_s=2)
    assert step.failure.startswith("no request counts")
    assert step.passed_s == 40
