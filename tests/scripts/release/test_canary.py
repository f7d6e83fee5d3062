"""`./scripts/deploy canary`, against stand-ins for Cloud Run and Cloud Monitoring."""

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

from scripts.release.counts import ADDRESS_VARIABLE
from scripts.release.release import Release, Service
from scripts.root import ROOT
from tests.scripts.cloud.deployed import IMAGE, service, serving, tags
from tests.scripts.cloud.programs.monitoring import Monitoring
from tests.scripts.cloud.programs.monitoring import serving as serving_counts
from tests.scripts.conftest import NO_RELEASES, RELEASES, Clock, Cloud

DEPLOY = ("deploy", "--environment=prod")
FEW_LOOKS = ("--step-s=300", "--look-each-s=100")
CHANGED = ("users", "chat", "cleanup")
PATIENCE_S = 300


def held(name: str, **more: Any) -> dict[str, Any]:
    """Return a service as `apply` leaves it."""
    revisions = [f"{name}-00001", f"{name}-00002"]
    traffic = [
        {"revisionName": revisions[0], "percent": 100},
        {"revisionName": revisions[1], "tag": "candidate"},
    ]
    return service(name, revisions=revisions, traffic=traffic, **more)


@pytest.fixture
def monitoring() -> Iterator[Monitoring]:
    """Cloud Monitoring, which knows of no requests."""
    with serving_counts() as running:
        yield running


@pytest.fixture
def tried(cloud: Cloud, clock: Clock) -> Cloud:
    """A release whose new revisions are there and have been tried; `events` has not changed."""
    cloud.has(
        services={name: held(name) for name in CHANGED} | {"events": service("events")},
        objects=NO_RELEASES,
    )
    services = {
        name: Service("https://a", "https://b", f"{name}-00001", f"{name}-00002")
        for name in CHANGED
    }
    services["events"] = Service("https://a", "https://a", "events-00001", "events-00001")
    Release("prod", IMAGE, (), CHANGED, services).save(cloud.root)
    return cloud


def canary(cloud: Cloud, monitoring: Monitoring, *options: str) -> subprocess.CompletedProcess[str]:
    environment = {ADDRESS_VARIABLE: monitoring.address}
    return cloud.run(*DEPLOY, "canary", *(options or FEW_LOOKS), environment=environment)


def moves(cloud: Cloud, name: str) -> list[str]:
    """Return where the traffic of a service was sent, in order."""
    calls = [call for call in cloud.calls if "update-traffic" in call and name in call]
    return [word.removeprefix("--") for call in calls for word in call if word.startswith("--to-")]


def is_back(cloud: Cloud, name: str) -> bool:
    """Whether the old revision has all the traffic, and the new one its address."""
    shares, kept = serving(cloud, name), tags(cloud, name)
    return (shares, kept) == ({f"{name}-00001": 100}, {"candidate": f"{name}-00002"})


def test_what_goes_well_gets_more_and_more_and_then_all(
    tried: Cloud, monitoring: Monitoring
) -> None:
    monitoring.requests = {"users-00002": {"2xx": 200, "4xx": 80}, "users-00001": {"2xx": 4000}}
    done = canary(tried, monitoring)
    assert done.returncode == 0, done.stdout + done.stderr
    for name in ("users", "chat"):
        assert moves(tried, name) == [
            f"to-revisions={name}-00002=5,{name}-00001=95",
            f"to-revisions={name}-00002=25,{name}-00001=75",
            f"to-revisions={name}-00002=50,{name}-00001=50",
            "to-latest",
        ]
    for name in CHANGED:
        assert tried.state["services"][name]["traffic"] == [
            {"latestRevision": True, "percent": 100}
        ]
    assert moves(tried, "events") == []
    assert "users 0 errors in 280 requests" in done.stdout
    assert "chat 0 errors in 0 requests are too few to tell, but nothing went wrong" in done.stdout
    assert done.stdout.endswith("The release is complete.\n")


def test_all_services_are_side_by_side_and_the_cleanup_goes_last_at_once(
    tried: Cloud, monitoring: Monitoring
) -> None:
    canary(tried, monitoring)
    calls = [call[4] for call in tried.calls if "update-traffic" in call]
    assert calls == [*["users", "chat"] * 3, "users", "chat", "cleanup"]
    assert moves(tried, "cleanup") == ["to-latest"]


def test_at_once_all_services_get_all_of_it(tried: Cloud, monitoring: Monitoring) -> None:
    monitoring.requests = {"users-00001": {"2xx": 200}, "users-00002": {"5xx": 200}}
    done = canary(tried, monitoring, "--at-once")
    assert done.returncode == 0, done.stdout
    assert all(moves(tried, name) == ["to-latest"] for name in CHANGED)
    assert monitoring.asked == []


def test_what_has_served_until_then_is_kept_for_the_way_back(
    tried: Cloud, monitoring: Monitoring
) -> None:
    canary(tried, monitoring)
    kept = json.loads(tried.state["objects"][RELEASES]["data"])
    assert kept == [{name: f"{name}-00001" for name in CHANGED}]
    assert tried.run("rollback", "--environment=prod", "--yes").returncode == 0
    assert all(serving(tried, name) == {f"{name}-00001": 100} for name in CHANGED)


@pytest.mark.parametrize(
    "state",
    [
        {"objects": {}},
        {"objects": {RELEASES: {"generation": 1, "data": "{}"}}},
        {"objects_change_when_read": True},
    ],
    ids=["not there", "not ours", "changed meanwhile"],
)
def test_no_traffic_moves_where_the_way_back_cannot_be_kept(
    tried: Cloud, monitoring: Monitoring, state: dict[str, Any]
) -> None:
    tried.has(**state)
    done = canary(tried, monitoring)
    assert done.returncode == 1
    assert "releases.json" in done.stdout
    assert moves(tried, "users") == []
    assert is_back(tried, "users")


def test_counts_are_those_since_the_canary_began(tried: Cloud, monitoring: Monitoring) -> None:
    canary(tried, monitoring)
    assert len({query["interval.startTime"][0] for query in monitoring.asked}) == 1
    assert {query["filter"][0].partition("one_of")[2] for query in monitoring.asked} == {
        '("users","chat")'
    }


def test_errors_send_all_services_back(tried: Cloud, monitoring: Monitoring) -> None:
    monitoring.requests = {
        "users-00001": {"2xx": 4000, "5xx": 4},
        "users-00002": {"2xx": 180, "5xx": 20},
    }
    done = canary(tried, monitoring)
    assert done.returncode == 1
    assert all(is_back(tried, name) for name in CHANGED)
    assert moves(tried, "users")[1:] == ["to-revisions=users-00001=100"]
    why = "users: 20 errors in 200 requests (10.0%); the old one has 0.1%, and 1.0% would do"
    assert f"all traffic goes back to the old revisions: {why}" in done.stdout
    assert "  users: users-00002, https://b" in done.stdout


def test_errors_of_the_old_revision_alone_send_nothing_back(
    tried: Cloud, monitoring: Monitoring
) -> None:
    monitoring.requests = {"users-00001": {"5xx": 4000}, "users-00002": {"2xx": 200}}
    assert canary(tried, monitoring).returncode == 0


@pytest.mark.parametrize("outage", [(503, "{}"), (200, "<html>"), (403, "{}")], ids=str)
def test_while_nobody_can_tell_it_waits_and_then_goes_back(
    tried: Cloud, monitoring: Monitoring, outage: tuple[int, str]
) -> None:
    monitoring.outage = outage
    done = canary(tried, monitoring, "--step-s=1", "--look-each-s=0.1")
    assert done.returncode == 1
    passed = re.search(r"nobody knows how it goes: .* after (\d+) of 1 s", done.stdout)
    assert passed is not None
    assert int(passed[1]) >= 2
    assert all(is_back(tried, name) for name in CHANGED)


def test_an_outage_that_ends_in_time_does_no_harm(
    tried: Cloud, monitoring: Monitoring, clock: Clock
) -> None:
    monitoring.outage = 503, "{}"
    monitoring.requests = {"users-00002": {"5xx": 3}}

    def end_the_outage_after_the_step() -> None:
        if clock.passed_s > 300:
            monitoring.outage = None

    clock.after_sleep = end_the_outage_after_the_step
    done = canary(tried, monitoring)
    assert done.returncode == 1
    assert "after 300 of 300 s: Cloud Monitoring does not answer" in done.stdout
    assert "users: 3 errors in 3 requests" in done.stdout
    # Nobody gets more while nobody can tell.
    assert moves(tried, "users")[1:] == ["to-revisions=users-00001=100"]


def _begun(
    cloud: Cloud, monitoring: Monitoring, *options: str, terminal: int | None = None
) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [ROOT / "scripts" / "deploy", *DEPLOY[1:], "canary", *options],
        env={**cloud.environment, ADDRESS_VARIABLE: monitoring.address, "TERM": "xterm"},
        stdout=subprocess.PIPE if terminal is None else terminal,
        stdin=subprocess.DEVNULL if terminal is None else terminal,
        text=True,
        start_new_session=True,
    )


def _await(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.mark.parametrize(
    "number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=["Ctrl-C", "the platform", "gone"]
)
def test_whoever_ends_it_sends_all_back(
    tried: Cloud, monitoring: Monitoring, number: signal.Signals
) -> None:
    with _begun(tried, monitoring, "--step-s=60", "--look-each-s=0.1") as process:
        _await(lambda: len(monitoring.asked) > 1)
        process.send_signal(number)
        _await(lambda: "to-revisions=users-00001=100" in moves(tried, "users"))
        process.send_signal(number)  # who is impatient does not leave it half done
        said, _ = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 1
    assert all(is_back(tried, name) for name in CHANGED)
    if number != signal.SIGHUP:
        assert "interrupted\nThe old revisions have all the traffic." in said


def test_who_closes_the_terminal_sends_all_back(tried: Cloud, monitoring: Monitoring) -> None:
    ours, theirs = pty.openpty()
    with _begun(tried, monitoring, "--step-s=60", "--look-each-s=0.1", terminal=theirs) as process:
        os.close(theirs)
        _await(lambda: len(monitoring.asked) > 1)
        os.close(ours)
        process.send_signal(signal.SIGHUP)
        process.wait(timeout=PATIENCE_S)
    assert all(is_back(tried, name) for name in CHANGED)


def test_what_cannot_be_moved_sends_the_others_back(tried: Cloud, monitoring: Monitoring) -> None:
    stuck = held("chat", refuses_changes=True)
    tried.has(services={**tried.state["services"], "chat": stuck})
    done = canary(tried, monitoring)
    assert done.returncode == 1
    assert is_back(tried, "users")
    assert moves(tried, "users")[-1] == "to-revisions=users-00001=100"
    assert "chat DID NOT GO BACK: at once\n  ./scripts/rollback --environment prod chat" in (
        done.stdout
    )


def test_what_somebody_else_has_deployed_gets_nothing(tried: Cloud, monitoring: Monitoring) -> None:
    newer = held("users")
    newer["revisions"].append("users-00003")
    tried.has(services={**tried.state["services"], "users": newer})
    done = canary(tried, monitoring)
    assert done.returncode == 1
    assert "users was deployed by somebody else meanwhile" in done.stdout
    assert moves(tried, "users") == []


def test_what_is_deployed_during_the_canary_does_not_get_all(
    tried: Cloud, monitoring: Monitoring, clock: Clock
) -> None:
    def deploy() -> None:
        with tried.changing() as state:
            state["services"]["users"]["revisions"].append("users-00003")

    clock.after_sleep = deploy
    done = canary(tried, monitoring)
    assert done.returncode == 1
    assert "users was deployed by somebody else meanwhile" in done.stdout
    assert serving(tried, "users") == {"users-00001": 100}


def test_whoever_rolls_back_during_the_canary_has_the_last_word(
    tried: Cloud, monitoring: Monitoring, clock: Clock
) -> None:
    def roll_back() -> None:
        with tried.changing() as state:
            state["services"]["users"] = held("users")

    clock.after_sleep = roll_back
    done = canary(tried, monitoring)
    assert done.returncode == 1
    assert "the traffic of users was moved by somebody else meanwhile" in done.stdout
    assert not any("users-00002=25" in move for move in moves(tried, "users"))
    assert all(is_back(tried, name) for name in CHANGED)


def test_a_canary_that_was_cut_off_does_not_begin_in_the_middle(
    tried: Cloud, monitoring: Monitoring
) -> None:
    shares = [("chat-00001", 75), ("chat-00002", 25)]
    traffic = [{"revisionName": name, "percent": percent} for name, percent in shares]
    tried.has(services={**tried.state["services"], "chat": {**held("chat"), "traffic": traffic}})
    done = canary(tried, monitoring)
    assert (done.returncode, "the traffic of chat was moved" in done.stdout) == (1, True)
    assert moves(tried, "users") == []


def test_where_only_the_cleanup_has_changed_nobody_waits(
    tried: Cloud, monitoring: Monitoring
) -> None:
    new = Service("https://a", "https://b", "cleanup-00001", "cleanup-00002")
    Release("prod", IMAGE, (), (), {"cleanup": new}).save(tried.root)
    done = canary(tried, monitoring, "--step-s=600")
    assert done.returncode == 0, done.stdout
    assert monitoring.asked == []
    assert moves(tried, "cleanup") == ["to-latest"]


def test_without_a_change_nothing_moves(tried: Cloud, monitoring: Monitoring) -> None:
    new = Service("https://a", "https://a", None, "users-00001")
    same = Service("https://a", "https://a", "chat-00001", "chat-00001")
    Release("prod", IMAGE, (), (), {"users": new, "chat": same}).save(tried.root)
    done = canary(tried, monitoring)
    assert done.returncode == 0
    assert "no service has changed" in done.stdout
    assert tried.calls == []


@pytest.mark.parametrize("option", ["--step-s=-1", "--look-each-s=soon", "--step-s=inf"])
def test_a_time_that_is_none_is_refused(tried: Cloud, monitoring: Monitoring, option: str) -> None:
    assert canary(tried, monitoring, option).returncode == 2
