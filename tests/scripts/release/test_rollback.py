"""`./scripts/rollback`, with a fake of Cloud Run."""

import json
from typing import Any

import pytest

from tests.scripts.cloud.golden_files import assert_golden
from tests.scripts.cloud.project_state import pinned
from tests.scripts.cloud.terminal_session import CTRL_C, run_in_terminal
from tests.scripts.conftest import RELEASES_URL, FakeCloud

ROLLBACK = ("rollback", "--environment=prod")


def service(*revisions: str, **percents: int) -> dict[str, Any]:
    """Return a service with all traffic on its newest revision, or with `percents`."""
    traffic = [pinned(name, percent) for name, percent in percents.items()]
    return {"revisions": list(revisions), "traffic": traffic or [pinned(revisions[-1])]}


def history(*releases: dict[str, str]) -> dict[str, Any]:
    """Return the objects, with the revisions that releases replaced; newest release first."""
    return {RELEASES_URL: {"generation": 7, "data": json.dumps(releases)}}


@pytest.fixture
def released(cloud: FakeCloud) -> FakeCloud:
    """A project after a release of three services; one was rolled back since."""
    cloud.update(
        services={
            "users": service("u1", "u2"),
            "events": service("e1", "e2", "e3"),  # e2 failed its canary
            "social": service("s1"),
            "ai": service("a1", "a2", a1=100),
            "chat": service("c1", "c2"),
            "other": service("o1", "o2"),
        },
        objects=history({"users": "u1", "events": "e1", "ai": "a1"}, {"chat": "c1"}),
    )
    return cloud


@pytest.fixture
def in_canary(released: FakeCloud) -> FakeCloud:
    """The same project, with the canary of a second release."""
    services = released.state["services"]
    released.update(services={**services, "events": service("e1", "e2", "e3", e2=75, e3=25)})
    return released


def targets(cloud: FakeCloud, name: str) -> list[dict[str, Any]]:
    """Return the traffic targets of a service."""
    traffic: list[dict[str, Any]] = cloud.state["services"][name]["traffic"]
    return traffic


def is_unchanged(cloud: FakeCloud, name: str) -> bool:
    return targets(cloud, name) == [pinned(cloud.state["services"][name]["revisions"][-1])]


def test_rollback_covers_services_of_last_release(released: FakeCloud) -> None:
    done = released.run(*ROLLBACK, "--yes")
    assert done.returncode == 0, done.stdout
    assert targets(released, "users") == [pinned("u1")]
    assert targets(released, "events") == [pinned("e1")]
    assert targets(released, "ai") == [pinned("a1")]
    assert is_unchanged(released, "chat")
    assert is_unchanged(released, "other")
    assert "traffic now" in done.stdout


def test_rollback_covers_only_services_of_a_canary(in_canary: FakeCloud) -> None:
    done = in_canary.run(*ROLLBACK, "--yes")
    assert done.returncode == 0, done.stdout
    assert targets(in_canary, "events") == [pinned("e2")]
    assert is_unchanged(in_canary, "users")


@pytest.mark.parametrize(
    "objects", [{}, {RELEASES_URL: {"generation": 7, "data": "<html>"}}], ids=str
)
def test_unreadable_history_names_the_alternative(
    released: FakeCloud, objects: dict[str, Any]
) -> None:
    released.update(objects=objects)
    done = released.run(*ROLLBACK, "--yes")
    assert done.returncode == 1
    assert "./scripts/rollback --environment prod SERVICE --to REVISION" in done.stdout


@pytest.mark.parametrize("arguments", [(), ("events", "--to=e1")], ids=["canary", "named"])
def test_some_rollbacks_need_no_history(in_canary: FakeCloud, arguments: tuple[str, ...]) -> None:
    in_canary.update(objects={})
    done = in_canary.run(*ROLLBACK, *arguments, "--yes")
    assert done.returncode == 0, done.stdout
    assert len(targets(in_canary, "events")) == 1


def test_names_are_needed_before_the_first_release(released: FakeCloud) -> None:
    released.update(objects=history())
    done = released.run(*ROLLBACK, "--yes")
    assert done.returncode == 1
    assert "releases.json lists no release: name the services" in done.stdout


def test_revision_that_never_served_is_not_chosen(released: FakeCloud) -> None:
    released.update(objects=history())
    done = released.run(*ROLLBACK, "events", "--yes")
    assert done.returncode == 1
    expected = "no older revision is recorded as served. Use --to with one of e1, e2"
    assert expected in done.stdout
    assert is_unchanged(released, "events")


def test_repeated_rollback_changes_nothing(released: FakeCloud) -> None:
    released.run(*ROLLBACK, "--yes")
    before = released.state["services"]
    again = released.run(*ROLLBACK, "--yes")
    assert again.returncode == 0
    assert "nothing to do" in again.stdout
    assert released.state["services"] == before


def test_rollback_covers_only_named_services(released: FakeCloud) -> None:
    done = released.run(*ROLLBACK, "users", "--yes")
    assert done.returncode == 0, done.stdout
    assert targets(released, "users") == [pinned("u1")]
    assert is_unchanged(released, "events")


def test_impossible_rollback_fails_after_the_others(released: FakeCloud) -> None:
    done = released.run(*ROLLBACK, "social", "users", "--yes")
    assert done.returncode == 1
    assert "no older revision is ready" in done.stdout
    assert targets(released, "users") == [pinned("u1")]


def test_service_goes_to_a_named_revision(released: FakeCloud) -> None:
    done = released.run(*ROLLBACK, "events", "--to=e1", "--yes")
    assert done.returncode == 0, done.stdout
    assert targets(released, "events") == [pinned("e1")]


def test_unknown_revision_is_refused(released: FakeCloud) -> None:
    done = released.run(*ROLLBACK, "events", "--to=u1", "--yes")
    assert done.returncode == 1
    assert "u1 is not a ready revision; ready are e1, e2, e3" in done.stdout


@pytest.mark.parametrize(
    "arguments", [("--to=u1",), ("--to=u1", "users", "events"), ("unknown",)], ids=str
)
def test_invalid_command_line_is_rejected(released: FakeCloud, arguments: tuple[str, ...]) -> None:
    assert released.run(*ROLLBACK, *arguments).returncode == 2


def test_missing_service_is_named(released: FakeCloud) -> None:
    done = released.run(*ROLLBACK, "sharing", "--yes")
    assert (done.returncode, "liftlog-prod does not run sharing" in done.stdout) == (1, True)


def test_empty_project_is_refused(cloud: FakeCloud) -> None:
    cloud.update(services={})
    done = cloud.run(*ROLLBACK, "--yes")
    assert (done.returncode, "does not run any service" in done.stdout) == (1, True)


def test_rollback_without_terminal_needs_yes(released: FakeCloud) -> None:
    before = released.state["services"]
    done = released.run(*ROLLBACK, stdin="y\n")
    assert done.returncode == 1
    assert "no --yes; nothing was changed" in done.stdout
    assert released.state["services"] == before


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
def test_rollback_asks_at_a_terminal(
    released: FakeCloud, answer: str, status: int, is_back: bool
) -> None:
    before = released.state["services"]
    done, shown = run_in_terminal(released, *ROLLBACK, "users", answers=[answer])
    assert done == status, shown
    assert "Move all traffic of users? [y/N]" in shown
    assert "Traceback" not in shown
    assert (released.state["services"] != before) == is_back


def test_failed_update_does_not_stop_the_others(released: FakeCloud) -> None:
    services = released.state["services"]
    services["users"]["rejects_updates"] = True
    released.update(services=services)
    done = released.run(*ROLLBACK, "--yes")
    assert done.returncode == 1
    assert "users not moved: run this command again" in done.stdout
    assert targets(released, "events") == [pinned("e1")]


def test_dry_run_shows_all_commands(released: FakeCloud) -> None:
    before = released.state["services"]
    done = released.run(*ROLLBACK, "--dry-run")
    assert done.returncode == 0
    assert_golden("rollback-all", done.stdout)
    assert released.state["services"] == before


def test_dry_run_in_a_canary_shows_its_commands(in_canary: FakeCloud) -> None:
    assert_golden("rollback-canary", in_canary.run(*ROLLBACK, "--dry-run").stdout)


def test_dry_run_for_one_service_shows_its_commands(released: FakeCloud) -> None:
    done = released.run(*ROLLBACK, "events", "--to=e1", "--dry-run")
    assert_golden("rollback-to", done.stdout)
