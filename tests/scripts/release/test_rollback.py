"""`./scripts/rollback`, against a stand-in for Cloud Run."""

import json
from typing import Any

import pytest

from tests.scripts.cloud.golden import as_golden
from tests.scripts.cloud.terminal import CTRL_C, talk
from tests.scripts.conftest import RELEASES, Cloud


def service(*names: str, **percents: int) -> dict[str, Any]:
    """Return a service whose newest revision has all traffic, unless `percents` says who has."""
    traffic: list[dict[str, Any]] = [
        {"revisionName": name, "percent": percent} for name, percent in percents.items()
    ]
    return {
        "revisions": list(names),
        "traffic": traffic or [{"latestRevision": True, "percent": 100}],
    }


def record(*releases: dict[str, str]) -> dict[str, Any]:
    """Return the objects, with what releases have replaced, the newest first."""
    return {RELEASES: {"generation": 7, "data": json.dumps(releases)}}


@pytest.fixture
def deployed(cloud: Cloud) -> Cloud:
    """An environment after a release of three services, of which one went back since."""
    cloud.has(
        services={
            "users": service("u1", "u2"),
            "events": service("e1", "e2", "e3"),  # e2 never came through its canary
            "social": service("s1"),
            "ai": service("a1", "a2", a1=100),
            "chat": service("c1", "c2"),
            "other": service("o1", "o2"),
        },
        objects=record({"users": "u1", "events": "e1", "ai": "a1"}, {"chat": "c1"}),
    )
    return cloud


@pytest.fixture
def in_canary(deployed: Cloud) -> Cloud:
    """The same, with a second release on its way."""
    services = deployed.state["services"]
    deployed.has(services={**services, "events": service("e1", "e2", "e3", e2=75, e3=25)})
    return deployed


def serving(cloud: Cloud, name: str) -> list[dict[str, Any]]:
    """Return who has traffic."""
    traffic: list[dict[str, Any]] = cloud.state["services"][name]["traffic"]
    return traffic


def untouched(cloud: Cloud, name: str) -> bool:
    return serving(cloud, name) == [{"latestRevision": True, "percent": 100}]


def test_what_the_last_release_changed_goes_back_to_what_served_before(deployed: Cloud) -> None:
    done = deployed.run("rollback", "--environment=prod", "--yes")
    assert done.returncode == 0, done.stdout
    assert serving(deployed, "users") == [{"revisionName": "u1", "percent": 100}]
    assert serving(deployed, "events") == [{"revisionName": "e1", "percent": 100}]
    assert serving(deployed, "ai") == [{"revisionName": "a1", "percent": 100}]
    assert untouched(deployed, "chat")
    assert untouched(deployed, "other")
    assert "traffic now" in done.stdout


def test_during_a_canary_its_services_alone_go_back(in_canary: Cloud) -> None:
    done = in_canary.run("rollback", "--environment=prod", "--yes")
    assert done.returncode == 0, done.stdout
    assert serving(in_canary, "events") == [{"revisionName": "e2", "percent": 100}]
    assert untouched(in_canary, "users")


@pytest.mark.parametrize("objects", [{}, {RELEASES: {"generation": 7, "data": "<html>"}}], ids=str)
def test_without_the_record_it_says_how_to_go_back(
    deployed: Cloud, objects: dict[str, Any]
) -> None:
    deployed.has(objects=objects)
    done = deployed.run("rollback", "--environment=prod", "--yes")
    assert done.returncode == 1
    assert "./scripts/rollback --environment prod SERVICE --to REVISION" in done.stdout


@pytest.mark.parametrize("arguments", [(), ("events", "--to=e1")], ids=["canary", "named"])
def test_who_needs_no_record_is_not_kept_by_its_absence(
    in_canary: Cloud, arguments: tuple[str, ...]
) -> None:
    in_canary.has(objects={})
    done = in_canary.run("rollback", "--environment=prod", *arguments, "--yes")
    assert done.returncode == 0, done.stdout
    assert len(serving(in_canary, "events")) == 1


def test_before_the_first_release_it_wants_names(deployed: Cloud) -> None:
    deployed.has(objects=record())
    done = deployed.run("rollback", "--environment=prod", "--yes")
    assert done.returncode == 1
    assert "releases.json knows of no release: name the services" in done.stdout


def test_what_is_not_known_to_have_served_is_not_chosen(deployed: Cloud) -> None:
    deployed.has(objects=record())
    done = deployed.run("rollback", "--environment=prod", "events", "--yes")
    assert done.returncode == 1
    assert "nothing older is known to have served. --to REVISION, of e1, e2" in done.stdout
    assert untouched(deployed, "events")


def test_whoever_repeats_it_goes_no_further(deployed: Cloud) -> None:
    deployed.run("rollback", "--environment=prod", "--yes")
    before = deployed.state["services"]
    again = deployed.run("rollback", "--environment=prod", "--yes")
    assert again.returncode == 0
    assert "nothing to do" in again.stdout
    assert deployed.state["services"] == before


def test_only_what_is_named_goes_back(deployed: Cloud) -> None:
    done = deployed.run("rollback", "--environment=prod", "users", "--yes")
    assert done.returncode == 0, done.stdout
    assert serving(deployed, "users") == [{"revisionName": "u1", "percent": 100}]
    assert untouched(deployed, "events")


def test_what_is_named_and_cannot_go_back_is_told_after_the_others_went(deployed: Cloud) -> None:
    done = deployed.run("rollback", "--environment=prod", "social", "users", "--yes")
    assert done.returncode == 1
    assert "nothing older is ready" in done.stdout
    assert serving(deployed, "users") == [{"revisionName": "u1", "percent": 100}]


def test_a_service_goes_to_a_revision_that_is_named(deployed: Cloud) -> None:
    done = deployed.run("rollback", "--environment=prod", "events", "--to=e1", "--yes")
    assert done.returncode == 0, done.stdout
    assert serving(deployed, "events") == [{"revisionName": "e1", "percent": 100}]


def test_a_revision_that_is_not_there_is_refused(deployed: Cloud) -> None:
    done = deployed.run("rollback", "--environment=prod", "events", "--to=u1", "--yes")
    assert done.returncode == 1
    assert "u1 is no revision that is ready; these are: e1, e2, e3" in done.stdout


@pytest.mark.parametrize(
    "arguments", [("--to=u1",), ("--to=u1", "users", "events"), ("nobody",)], ids=str
)
def test_a_wrong_command_line_is_refused(deployed: Cloud, arguments: tuple[str, ...]) -> None:
    assert deployed.run("rollback", "--environment=prod", *arguments).returncode == 2


def test_a_service_that_does_not_run_is_named(deployed: Cloud) -> None:
    done = deployed.run("rollback", "--environment=prod", "sharing", "--yes")
    assert (done.returncode, "liftlog-prod does not run sharing" in done.stdout) == (1, True)


def test_an_empty_project_is_told(cloud: Cloud) -> None:
    cloud.has(services={})
    done = cloud.run("rollback", "--environment=prod", "--yes")
    assert (done.returncode, "does not run any service" in done.stdout) == (1, True)


def test_without_a_terminal_nothing_happens_unasked(deployed: Cloud) -> None:
    before = deployed.state["services"]
    done = deployed.run("rollback", "--environment=prod", given="y\n")
    assert done.returncode == 1
    assert "no --yes; nothing was changed" in done.stdout
    assert deployed.state["services"] == before


@pytest.mark.parametrize(
    ("answer", "status", "is_back"),
    [
        ("y", 0, True),
        ("Y", 0, True),
        ("yes", 0, True),
        ("", 1, False),
        ("n", 1, False),
        (CTRL_C, 130, False),
    ],
    ids=["y", "Y", "yes", "return", "no", "Ctrl-C"],
)
def test_at_a_terminal_it_asks(deployed: Cloud, answer: str, status: int, is_back: bool) -> None:
    before = deployed.state["services"]
    done, shown = talk(deployed, "rollback", "--environment=prod", "users", answers=[answer])
    assert done == status, shown
    assert "Send all traffic of users back? [y/N]" in shown
    assert "Traceback" not in shown
    assert (deployed.state["services"] != before) == is_back


def test_when_one_fails_the_others_still_go_back(deployed: Cloud) -> None:
    services = deployed.state["services"]
    services["users"]["traffic"] = [{"revisionName": "u2", "percent": 100}]
    services["users"]["refuses_changes"] = True
    deployed.has(services=services)
    done = deployed.run("rollback", "--environment=prod", "--yes")
    assert done.returncode == 1
    assert "users did not go back: run it again" in done.stdout
    assert serving(deployed, "events") == [{"revisionName": "e1", "percent": 100}]


def test_a_dry_run_shows_every_call_and_changes_nothing(deployed: Cloud) -> None:
    before = deployed.state["services"]
    done = deployed.run("rollback", "--environment=prod", "--dry-run")
    assert done.returncode == 0
    as_golden("rollback-all", done.stdout)
    assert deployed.state["services"] == before


def test_a_dry_run_in_a_canary_shows_its_calls(in_canary: Cloud) -> None:
    as_golden(
        "rollback-canary", in_canary.run("rollback", "--environment=prod", "--dry-run").stdout
    )


def test_a_dry_run_for_one_service_shows_its_calls(deployed: Cloud) -> None:
    done = deployed.run("rollback", "--environment=prod", "events", "--to=e1", "--dry-run")
    as_golden("rollback-to", done.stdout)
