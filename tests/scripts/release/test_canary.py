"""`./scripts/deploy canary`, with fakes of Cloud Run and Cloud Monitoring."""

import json
import os
import pty
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from scripts.release.release import Release, Service
from scripts.release.request_counts import ADDRESS_VARIABLE
from scripts.root import ROOT
from tests.scripts.cloud.fake_programs.monitoring import FakeMonitoring, serve_monitoring
from tests.scripts.cloud.project_state import (
    IMAGE,
    pinned,
    replace_services,
    service,
    tags_of,
    traffic_of,
)
from tests.scripts.conftest import DEPLOY, NO_RELEASES, RELEASES_URL, FakeClock, FakeCloud

FEW_CHECKS = ("--step-s=300", "--check-interval-s=100")
CHANGED = ("users", "chat", "cleanup")
TIMEOUT_S = 300


def with_candidate(name: str, **state: Any) -> dict[str, Any]:
    """Return a service as `apply` leaves it."""
    revisions = [f"{name}-00001", f"{name}-00002"]
    traffic = [pinned(revisions[0]), {"revisionName": revisions[1], "tag": "candidate"}]
    return service(name, revisions=revisions, traffic=traffic, **state)


@pytest.fixture
def monitoring() -> Iterator[FakeMonitoring]:
    """A fake of Cloud Monitoring, without requests."""
    with serve_monitoring() as running:
        yield running


@pytest.fixture
def applied(cloud: FakeCloud, clock: FakeClock) -> FakeCloud:
    """A release after `smoke`; `events` has not changed."""
    assert clock.passed_s == 0
    cloud.update(
        services={name: with_candidate(name) for name in CHANGED} | {"events": service("events")},
        objects=NO_RELEASES,
    )
    services = {
        name: Service("https://a", "https://b", f"{name}-00001", f"{name}-00002")
        for name in CHANGED
    }
    services["events"] = Service("https://a", "https://a", "events-00001", "events-00001")
    Release("prod", IMAGE, has_changes=True, services=services).save(cloud.root)
    return cloud


def run_canary(
    cloud: FakeCloud, monitoring: FakeMonitoring, *options: str
) -> subprocess.CompletedProcess[str]:
    environment = {ADDRESS_VARIABLE: monitoring.address}
    return cloud.run(*DEPLOY, "canary", *(options or FEW_CHECKS), environment=environment)


def splits(cloud: FakeCloud, name: str) -> list[str]:
    """Return the traffic splits that were set for a service, in order."""
    commands = [each for each in cloud.commands if "update-traffic" in each and name in each]
    flag = "--to-revisions="
    return [
        word.removeprefix(flag) for each in commands for word in each if word.startswith("--to-")
    ]


def is_rolled_back(cloud: FakeCloud, name: str) -> bool:
    """Whether the old revision has all traffic, and the new one still has its tag."""
    found = traffic_of(cloud, name), tags_of(cloud, name)
    return found == ({f"{name}-00001": 100}, {"candidate": f"{name}-00002"})


def test_good_revision_gets_the_traffic_in_steps(
    applied: FakeCloud, monitoring: FakeMonitoring
) -> None:
    monitoring.requests = {"users-00002": {"2xx": 200, "4xx": 80}, "users-00001": {"2xx": 4000}}
    done = run_canary(applied, monitoring)
    assert done.returncode == 0, done.stdout + done.stderr
    for name in ("users", "chat"):
        assert splits(applied, name) == [
            f"{name}-00002=5,{name}-00001=95",
            f"{name}-00002=25,{name}-00001=75",
            f"{name}-00002=50,{name}-00001=50",
            f"{name}-00002=100",
        ]
    for name in CHANGED:
        # By name: the next revision must not get traffic.
        assert applied.state["services"][name]["traffic"] == [pinned(f"{name}-00002")]
    assert splits(applied, "events") == []
    assert "users 0 errors in 280 requests" in done.stdout
    assert "chat 0 errors in 0 requests; below 50 requests, but without an error" in done.stdout
    assert done.stdout.endswith("The release is complete.\n")


def test_services_move_together_and_cleanup_last(
    applied: FakeCloud, monitoring: FakeMonitoring
) -> None:
    run_canary(applied, monitoring)
    moved = [each[4] for each in applied.commands if "update-traffic" in each]
    assert moved == [*["users", "chat"] * 3, "users", "chat", "cleanup"]
    assert splits(applied, "cleanup") == ["cleanup-00002=100"]


def test_at_once_moves_all_traffic_without_checks(
    applied: FakeCloud, monitoring: FakeMonitoring
) -> None:
    monitoring.requests = {"users-00001": {"2xx": 200}, "users-00002": {"5xx": 200}}
    done = run_canary(applied, monitoring, "--at-once")
    assert done.returncode == 0, done.stdout
    assert all(splits(applied, name) == [f"{name}-00002=100"] for name in CHANGED)
    assert monitoring.queries == []


def test_replaced_revisions_are_recorded_for_a_rollback(
    applied: FakeCloud, monitoring: FakeMonitoring
) -> None:
    run_canary(applied, monitoring)
    recorded = json.loads(applied.state["objects"][RELEASES_URL]["data"])
    assert recorded == [{name: f"{name}-00001" for name in CHANGED}]
    assert applied.run("rollback", "--environment=prod", "--yes").returncode == 0
    assert all(traffic_of(applied, name) == {f"{name}-00001": 100} for name in CHANGED)


@pytest.mark.parametrize(
    "state",
    [
        {"objects": {}},
        {"objects": {RELEASES_URL: {"generation": 1, "data": "{}"}}},
        {"objects_change_when_read": True},
    ],
    ids=["missing", "invalid", "concurrent write"],
)
def test_no_traffic_moves_without_a_record(
    applied: FakeCloud, monitoring: FakeMonitoring, state: dict[str, Any]
) -> None:
    applied.update(**state)
    done = run_canary(applied, monitoring)
    assert done.returncode == 1
    assert "releases.json" in done.stdout
    assert splits(applied, "users") == []
    assert is_rolled_back(applied, "users")


def test_counts_start_with_the_canary(applied: FakeCloud, monitoring: FakeMonitoring) -> None:
    run_canary(applied, monitoring)
    assert len({query["interval.startTime"][0] for query in monitoring.queries}) == 1
    assert {query["filter"][0].partition("one_of")[2] for query in monitoring.queries} == {
        '("users","chat")'
    }


def test_errors_roll_all_services_back(applied: FakeCloud, monitoring: FakeMonitoring) -> None:
    monitoring.requests = {
        "users-00001": {"2xx": 4000, "5xx": 4},
        "users-00002": {"2xx": 180, "5xx": 20},
    }
    done = run_canary(applied, monitoring)
    assert done.returncode == 1
    assert all(is_rolled_back(applied, name) for name in CHANGED)
    assert splits(applied, "users")[1:] == ["users-00001=100"]
    reason = "users: 20 errors in 200 requests (10.0%; old revision 0.1%, allowed 1.0%)"
    assert f"moving all traffic back to the old revisions: {reason}" in done.stdout
    assert "  users: users-00002, https://b" in done.stdout


def test_errors_of_the_old_revision_are_ignored(
    applied: FakeCloud, monitoring: FakeMonitoring
) -> None:
    monitoring.requests = {"users-00001": {"5xx": 4000}, "users-00002": {"2xx": 200}}
    assert run_canary(applied, monitoring).returncode == 0


@pytest.mark.parametrize("outage", [(503, "{}"), (200, "<html>"), (403, "{}")], ids=str)
def test_long_outage_of_monitoring_rolls_back(
    applied: FakeCloud, monitoring: FakeMonitoring, outage: tuple[int, str]
) -> None:
    monitoring.outage = outage
    done = run_canary(applied, monitoring, "--step-s=1", "--check-interval-s=0.1")
    assert done.returncode == 1
    passed = re.search(r"no request counts: .*, (\d+) of 1 s", done.stdout)
    assert passed is not None
    assert int(passed[1]) >= 2
    assert all(is_rolled_back(applied, name) for name in CHANGED)


def test_short_outage_of_monitoring_extends_the_step(
    applied: FakeCloud, monitoring: FakeMonitoring, clock: FakeClock
) -> None:
    monitoring.outage = 503, "{}"
    monitoring.requests = {"users-00002": {"5xx": 3}}

    def end_outage_after_the_step() -> None:
        if clock.passed_s > 300:
            monitoring.outage = None

    clock.after_sleep = end_outage_after_the_step
    done = run_canary(applied, monitoring)
    assert done.returncode == 1
    assert "300 of 300 s: Cloud Monitoring unavailable" in done.stdout
    assert "users: 3 errors in 3 requests" in done.stdout
    # No further step without counts.
    assert splits(applied, "users")[1:] == ["users-00001=100"]


def start_canary(
    cloud: FakeCloud, monitoring: FakeMonitoring, terminal: int | None = None
) -> subprocess.Popen[str]:
    options = ("--step-s=60", "--check-interval-s=0.1")
    return subprocess.Popen(
        [ROOT / "scripts" / "deploy", *DEPLOY[1:], "canary", *options],
        env={**cloud.environment, ADDRESS_VARIABLE: monitoring.address, "TERM": "xterm"},
        stdout=subprocess.PIPE if terminal is None else terminal,
        stdin=subprocess.DEVNULL if terminal is None else terminal,
        text=True,
        start_new_session=True,
    )


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + TIMEOUT_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=str)
def test_signal_rolls_back_all_services(
    applied: FakeCloud, monitoring: FakeMonitoring, number: signal.Signals
) -> None:
    with start_canary(applied, monitoring) as process:
        wait_until(lambda: len(monitoring.queries) > 1)
        process.send_signal(number)
        wait_until(lambda: "users-00001=100" in splits(applied, "users"))
        process.send_signal(number)  # a second one must not stop the rollback
        output, _ = process.communicate(timeout=TIMEOUT_S)
    assert process.returncode == 1
    assert all(is_rolled_back(applied, name) for name in CHANGED)
    if number != signal.SIGHUP:
        assert "interrupted\nThe old revisions have all traffic." in output


def test_closed_terminal_rolls_back_all_services(
    applied: FakeCloud, monitoring: FakeMonitoring
) -> None:
    ours, theirs = pty.openpty()
    with start_canary(applied, monitoring, terminal=theirs) as process:
        os.close(theirs)
        wait_until(lambda: len(monitoring.queries) > 1)
        os.close(ours)
        process.send_signal(signal.SIGHUP)
        process.wait(timeout=TIMEOUT_S)
    assert all(is_rolled_back(applied, name) for name in CHANGED)


def test_failed_traffic_update_rolls_back_the_others(
    applied: FakeCloud, monitoring: FakeMonitoring
) -> None:
    replace_services(applied, chat=with_candidate("chat", rejects_updates=True))
    done = run_canary(applied, monitoring)
    assert done.returncode == 1
    assert is_rolled_back(applied, "users")
    assert splits(applied, "users")[-1] == "users-00001=100"
    assert "chat NOT MOVED BACK. Run now:\n  ./scripts/rollback --environment prod chat" in (
        done.stdout
    )


def test_newer_revision_before_the_canary_is_refused(
    applied: FakeCloud, monitoring: FakeMonitoring
) -> None:
    newer = with_candidate("users")
    newer["revisions"].append("users-00003")
    replace_services(applied, users=newer)
    done = run_canary(applied, monitoring)
    assert done.returncode == 1
    assert "another process deployed users during this release" in done.stdout
    assert splits(applied, "users") == []


def test_newer_revision_during_the_canary_rolls_back(
    applied: FakeCloud, monitoring: FakeMonitoring, clock: FakeClock
) -> None:
    def deploy() -> None:
        with applied.edit_state() as state:
            state["services"]["users"]["revisions"].append("users-00003")

    clock.after_sleep = deploy
    done = run_canary(applied, monitoring)
    assert done.returncode == 1
    assert "another process deployed users during this release" in done.stdout
    assert traffic_of(applied, "users") == {"users-00001": 100}


def test_rollback_during_the_canary_has_priority(
    applied: FakeCloud, monitoring: FakeMonitoring, clock: FakeClock
) -> None:
    def roll_back() -> None:
        with applied.edit_state() as state:
            state["services"]["users"] = with_candidate("users")

    clock.after_sleep = roll_back
    done = run_canary(applied, monitoring)
    assert done.returncode == 1
    assert "another process changed the traffic of users" in done.stdout
    assert not any("users-00002=25" in split for split in splits(applied, "users"))
    assert all(is_rolled_back(applied, name) for name in CHANGED)


def test_killed_canary_does_not_continue(applied: FakeCloud, monitoring: FakeMonitoring) -> None:
    traffic = [pinned("chat-00001", 75), pinned("chat-00002", 25)]
    replace_services(applied, chat={**with_candidate("chat"), "traffic": traffic})
    done = run_canary(applied, monitoring)
    assert (done.returncode, "the traffic of chat" in done.stdout) == (1, True)
    assert splits(applied, "users") == []


def test_cleanup_alone_needs_no_watch(applied: FakeCloud, monitoring: FakeMonitoring) -> None:
    new = Service("https://a", "https://b", "cleanup-00001", "cleanup-00002")
    Release("prod", IMAGE, has_changes=True, services={"cleanup": new}).save(applied.root)
    done = run_canary(applied, monitoring, "--step-s=600")
    assert done.returncode == 0, done.stdout
    assert monitoring.queries == []
    assert splits(applied, "cleanup") == ["cleanup-00002=100"]


def test_release_without_candidates_moves_nothing(
    applied: FakeCloud, monitoring: FakeMonitoring
) -> None:
    new = Service("https://a", "https://a", None, "users-00001")
    same = Service("https://a", "https://a", "chat-00001", "chat-00001")
    Release("prod", IMAGE, has_changes=True, services={"users": new, "chat": same}).save(
        applied.root
    )
    done = run_canary(applied, monitoring)
    assert done.returncode == 0
    assert "no service has a new revision" in done.stdout
    assert applied.commands == []


@pytest.mark.parametrize("option", ["--step-s=-1", "--check-interval-s=soon", "--step-s=inf"])
def test_invalid_time_is_rejected(
    applied: FakeCloud, monitoring: FakeMonitoring, option: str
) -> None:
    assert run_canary(applied, monitoring, option).returncode == 2
