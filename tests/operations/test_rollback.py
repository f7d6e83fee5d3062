"""`./scripts/rollback`, against a stand-in for Cloud Run."""

from typing import Any

import pytest

from tests.operations.conftest import Cloud
from tests.operations.golden import as_golden
from tests.operations.terminal import CTRL_C, talk


def service(*names: str, **percents: int) -> dict[str, Any]:
    """Return a service whose newest revision has all traffic, unless `percents` says who has."""
    traffic: list[dict[str, Any]] = [
        {"revisionName": name, "percent": percent} for name, percent in percents.items()
    ]
    return {
        "revisions": list(names),
        "traffic": traffic or [{"latestRevision": True, "percent": 100}],
    }


@pytest.fixture
def deployed(cloud: Cloud) -> Cloud:
    """An environment in the middle of things."""
    cloud.has(
        services={
            "users": service("u1", "u2"),
            "events": service("e1", "e2", "e3", e2=75, e3=25),
            "social": service("s1"),
            "ai": service("a1", "a2", a1=100),
            "other": service("o1", "o2"),
        }
    )
    return cloud


def serving(cloud: Cloud, name: str) -> list[dict[str, Any]]:
    """Return who has traffic."""
    traffic: list[dict[str, Any]] = cloud.state["services"][name]["traffic"]
    return traffic


def test_everything_that_can_goes_back(deployed: Cloud) -> None:
    done = deployed.run("rollback", "--environment=prod", "--yes")
    assert done.returncode == 0, done.stdout
    assert serving(deployed, "users") == [{"revisionName": "u1", "percent": 100}]
    assert serving(deployed, "events") == [{"revisionName": "e2", "percent": 100}]
    assert serving(deployed, "ai") == [{"revisionName": "a1", "percent": 100}]
    assert serving(deployed, "other") == [{"latestRevision": True, "percent": 100}]
    assert "traffic now" in done.stdout


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
    assert len(serving(deployed, "events")) == 2


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
    done = deployed.run("rollback", "--environment=prod", "chat", "--yes")
    assert (done.returncode, "liftlog-prod does not run chat" in done.stdout) == (1, True)


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
    [("y", 0, True), ("", 1, False), ("n", 1, False), (CTRL_C, 130, False)],
    ids=["yes", "return", "no", "Ctrl-C"],
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
    assert serving(deployed, "events") == [{"revisionName": "e2", "percent": 100}]


def test_a_dry_run_shows_every_call_and_changes_nothing(deployed: Cloud) -> None:
    before = deployed.state["services"]
    done = deployed.run("rollback", "--environment=prod", "--dry-run")
    assert done.returncode == 0
    as_golden("rollback-all", done.stdout)
    assert deployed.state["services"] == before


def test_a_dry_run_for_one_service_shows_its_calls(deployed: Cloud) -> None:
    done = deployed.run("rollback", "--environment=prod", "events", "--to=e1", "--dry-run")
    as_golden("rollback-to", done.stdout)
