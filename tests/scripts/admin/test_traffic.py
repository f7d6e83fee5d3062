"""`./scripts/traffic`, with fakes of Cloud Storage and the load balancer."""

import json
from typing import Any

import pytest

from scripts.admin.traffic_split import FAMILIES
from scripts.admin.url_map import read_percents
from tests.scripts.cloud.golden_files import assert_golden
from tests.scripts.cloud.terminal_session import run_in_terminal
from tests.scripts.cloud.url_map_state import build_url_map
from tests.scripts.conftest import FakeCloud

TRAFFIC = ("traffic", "--environment=prod")
OBJECT = "gs://liftlog-prod-sources/traffic.json"
ALL_NEW = dict.fromkeys(FAMILIES, 100)


@pytest.fixture
def all_new(cloud: FakeCloud) -> FakeCloud:
    """An environment with all traffic on the new services."""
    cloud.update(
        objects={OBJECT: {"generation": 5, "data": json.dumps(ALL_NEW)}},
        url_maps={"liftlog": build_url_map(ALL_NEW)},
    )
    return cloud


def configured(cloud: FakeCloud) -> Any:
    return json.loads(cloud.state["objects"][OBJECT]["data"])


def current(cloud: FakeCloud) -> dict[str, set[int]]:
    return read_percents(cloud.state["url_maps"]["liftlog"])


def both(cloud: FakeCloud) -> tuple[Any, dict[str, set[int]]]:
    return configured(cloud), current(cloud)


def expected(**changes: int) -> tuple[Any, dict[str, set[int]]]:
    """Return the result of `both` for a split that the object and the URL map agree on."""
    split = ALL_NEW | changes
    return split, {family: {percent} for family, percent in split.items()}


def test_change_sets_the_object_and_the_url_map(all_new: FakeCloud) -> None:
    done = all_new.run(*TRAFFIC, "ai", "10", "--yes")
    assert done.returncode == 0, done.stdout
    assert both(all_new) == expected(ai=10)
    assert "about a minute" in done.stdout
    assert "separate databases" not in done.stdout


def test_all_families_can_change_together(all_new: FakeCloud) -> None:
    done = all_new.run(*TRAFFIC, "all", "0", "--yes")
    assert done.returncode == 0, done.stdout
    assert both(all_new) == expected(**dict.fromkeys(FAMILIES, 0))


def test_split_of_a_family_with_data_warns(all_new: FakeCloud) -> None:
    done = all_new.run(*TRAFFIC, "users", "50", "--yes")
    assert done.returncode == 0, done.stdout
    assert "separate databases" in done.stdout
    assert both(all_new) == expected(users=50)


@pytest.mark.parametrize(("answer", "status"), [("y", 0), ("", 1)], ids=["yes", "no"])
def test_change_asks_at_a_terminal(all_new: FakeCloud, answer: str, status: int) -> None:
    done, shown = run_in_terminal(all_new, *TRAFFIC, "users", "0", answers=[answer])
    assert done == status, shown
    assert "Send 0 % of users to the new service? [y/N]" in shown
    assert both(all_new) == expected(users=100 if status else 0)


def test_change_without_terminal_needs_yes(all_new: FakeCloud) -> None:
    done = all_new.run(*TRAFFIC, "ai", "10")
    assert (done.returncode, both(all_new)) == (1, expected())


@pytest.mark.parametrize("family", ["chat", "all"])
def test_chat_cannot_be_split(all_new: FakeCloud, family: str) -> None:
    done = all_new.run(*TRAFFIC, family, "50", "--yes")
    assert done.returncode == 1
    assert "must reach the same server" in done.stdout
    assert both(all_new) == expected()


@pytest.mark.parametrize(
    "arguments",
    [("ai",), ("ai", "101"), ("ai", "-1"), ("ai", "1.5"), ("cleanup", "50")],
    ids=" ".join,
)
def test_invalid_command_line_is_rejected(all_new: FakeCloud, arguments: tuple[str, ...]) -> None:
    assert all_new.run(*TRAFFIC, *arguments).returncode == 2


def test_concurrent_write_of_the_object_is_kept(all_new: FakeCloud) -> None:
    all_new.update(objects_change_when_read=True)
    done = all_new.run(*TRAFFIC, "ai", "10", "--yes")
    assert done.returncode == 1
    assert "Nothing was changed" in done.stdout
    assert both(all_new) == expected()


def test_incomplete_change_is_repaired_by_a_repeat(all_new: FakeCloud) -> None:
    all_new.update(url_map_import_fails=True)
    done = all_new.run(*TRAFFIC, "ai", "10", "--yes")
    assert done.returncode == 1
    assert "To repair this, run again:" in done.stdout
    assert "./scripts/traffic --environment prod ai 10" in done.stdout
    assert (configured(all_new)["ai"], current(all_new)["ai"]) == (10, {100})
    assert "differs" in all_new.run(*TRAFFIC).stdout
    all_new.update(url_map_import_fails=False)
    assert all_new.run(*TRAFFIC, "ai", "10", "--yes").returncode == 0
    assert both(all_new) == expected(ai=10)


def test_concurrent_import_of_the_url_map_is_reported(all_new: FakeCloud) -> None:
    all_new.update(concurrent_url_map=build_url_map(ALL_NEW | {"ai": 60}))
    done = all_new.run(*TRAFFIC, "ai", "10", "--yes")
    assert done.returncode == 1
    assert "another process changed the URL map" in done.stdout


def test_nothing_changes_without_an_old_service(all_new: FakeCloud) -> None:
    all_new.update(url_maps={"liftlog": build_url_map(ALL_NEW, has_old=False)})
    done = all_new.run(*TRAFFIC, "ai", "10", "--yes")
    assert done.returncode == 1
    assert "no old service beside ai" in done.stdout
    assert configured(all_new) == ALL_NEW


def test_gcloud_error_is_shown_without_a_traceback(cloud: FakeCloud) -> None:
    done = cloud.run(*TRAFFIC)
    assert done.returncode == 1
    assert "traffic.json not found: 404." in done.stdout
    assert "Traceback" not in done.stdout + done.stderr


def test_invalid_object_is_refused(all_new: FakeCloud) -> None:
    all_new.update(objects={OBJECT: {"generation": 5, "data": '{"ai": 100}'}})
    done = all_new.run(*TRAFFIC)
    assert done.returncode == 1
    assert f"{OBJECT} is not valid: no percent for users" in done.stdout


def test_traffic_shows_current_and_configured_split(all_new: FakeCloud) -> None:
    all_new.update(url_maps={"liftlog": build_url_map(ALL_NEW | {"ai": 60})})
    done = all_new.run(*TRAFFIC)
    assert done.returncode == 0
    assert_golden("traffic-shown", done.stdout)


@pytest.mark.parametrize(("family", "percent"), [("users", "50"), ("all", "0")])
def test_dry_run_shows_all_commands(all_new: FakeCloud, family: str, percent: str) -> None:
    done = all_new.run(*TRAFFIC, family, percent, "--dry-run")
    assert done.returncode == 0
    assert_golden(f"traffic-{family}", done.stdout)
    assert both(all_new) == expected()
