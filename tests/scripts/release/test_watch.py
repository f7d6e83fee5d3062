"""Looking on during a step of the canary: when it is judged, and how long that takes."""

import argparse
import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
from rich.console import Console

from scripts.cloud.calls import Calls
from scripts.cloud.command import RefusedError
from scripts.cloud.environments import Environment
from scripts.release.counts import ADDRESS_VARIABLE
from scripts.release.delivery import Delivery
from scripts.release.release import Service
from scripts.release.watch import Watch
from tests.scripts.cloud.programs.monitoring import Monitoring, serving
from tests.scripts.conftest import Clock, Cloud

USERS = Service("https://a", "https://b", "users-00001", "users-00002")


@pytest.fixture
def monitoring(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> Iterator[Monitoring]:
    """Cloud Monitoring, and a gcloud that lets us ask it."""
    monkeypatch.setenv("PATH", cloud.environment["PATH"])
    with serving() as running:
        monkeypatch.setenv(ADDRESS_VARIABLE, running.address)
        yield running


@dataclass(frozen=True)
class Step:
    """A step that is over."""

    passed_s: float
    why: str
    """Why it was refused; empty if it was not."""

    shown: list[str]


def look_on(clock: Clock, step_s: float, look_each_s: float) -> Step:
    """Look on for one step, from where there is no terminal."""
    options = argparse.Namespace(step_s=step_s, look_each_s=look_each_s)
    shown, why = io.StringIO(), ""
    console = Console(file=shown, soft_wrap=True)
    prod = Environment("prod", "liftlog-prod", "us-central1")
    delivery = Delivery(options, prod, Calls(console, dry=False), console)
    watch = Watch(delivery, {"users": USERS}, datetime.now(UTC))
    try:
        watch.look_on(5)
    except RefusedError as error:
        why = str(error)
    return Step(clock.passed_s, why, shown.getvalue().splitlines())


def test_too_few_requests_are_waited_for_until_the_step_is_over(
    clock: Clock, monitoring: Monitoring
) -> None:
    monitoring.requests = {"users-00002": {"2xx": 9, "5xx": 1}}
    step = look_on(clock, step_s=10, look_each_s=1)
    assert step.why.endswith("too few to tell, and not all went well")
    assert step.passed_s == 10
    assert len(monitoring.asked) == 11
    assert sum("users 1 errors in 10 requests" in line for line in step.shown) == 10


def test_what_is_no_chance_ends_the_step_at_once(clock: Clock, monitoring: Monitoring) -> None:
    monitoring.requests = {"users-00002": {"5xx": 10}}
    step = look_on(clock, step_s=60, look_each_s=60)
    assert step.why.startswith("users: 10 errors in 10 requests")
    assert len(monitoring.asked) == 1


def test_a_long_pause_between_looks_ends_with_the_step(
    clock: Clock, monitoring: Monitoring
) -> None:
    step = look_on(clock, step_s=30, look_each_s=60)
    assert step.why == ""
    assert step.passed_s == 30
    assert len(monitoring.asked) == 2


def test_an_outage_is_waited_for_as_long_again_as_a_step(
    clock: Clock, monitoring: Monitoring
) -> None:
    monitoring.outage = 503, "{}"
    step = look_on(clock, step_s=20, look_each_s=2)
    assert step.why.startswith("nobody knows how it goes")
    assert step.passed_s == 40
