"""`./scripts/traffic`, against stand-ins for Cloud Storage and the balancer."""

import json
from typing import Any

import pytest

from scripts.admin.traffic_split import FAMILIES
from scripts.admin.url_map import in_force
from tests.scripts.cloud.balancer import url_map
from tests.scripts.cloud.golden import as_golden
from tests.scripts.cloud.terminal import talk
from tests.scripts.conftest import Cloud

OBJECT = "gs://liftlog-prod-sources/traffic.json"
WHOLE = dict.fromkeys(FAMILIES, 100)


@pytest.fixture
def shared(cloud: Cloud) -> Cloud:
    """An environment in which everything goes to the new services."""
    cloud.has(
        objects={OBJECT: {"generation": 5, "data": json.dumps(WHOLE)}},
        url_maps={"liftlog": url_map(WHOLE)},
    )
    return cloud


def wanted(cloud: Cloud) -> Any:
    return json.loads(cloud.state["objects"][OBJECT]["data"])


def now(cloud: Cloud) -> dict[str, set[int]]:
    return in_force(cloud.state["url_maps"]["liftlog"])


def both(cloud: Cloud) -> tuple[Any, dict[str, set[int]]]:
    return wanted(cloud), now(cloud)


def agreed(**shares: int) -> tuple[Any, dict[str, set[int]]]:
    """Return what `both` is when old and new share as said."""
    all_shares = WHOLE | shares
    return all_shares, {family: {share} for family, share in all_shares.items()}


def test_a_share_is_changed_in_both_places(shared: Cloud) -> None:
    done = shared.run("traffic", "--environment=prod", "ai", "10", "--yes")
    assert done.returncode == 0, done.stdout
    assert both(shared) == agreed(ai=10)
    assert "about a minute" in done.stdout
    assert "data of their own" not in done.stdout


def test_all_families_change_together(shared: Cloud) -> None:
    done = shared.run("traffic", "--environment=prod", "all", "0", "--yes")
    assert done.returncode == 0, done.stdout
    assert both(shared) == agreed(**dict.fromkeys(FAMILIES, 0))


def test_whoever_splits_what_keeps_data_is_warned(shared: Cloud) -> None:
    done = shared.run("traffic", "--environment=prod", "users", "50", "--yes")
    assert done.returncode == 0, done.stdout
    assert "data of their own" in done.stdout
    assert both(shared) == agreed(users=50)


@pytest.mark.parametrize(("answer", "status"), [("y", 0), ("", 1)], ids=["yes", "no"])
def test_at_a_terminal_it_asks(shared: Cloud, answer: str, status: int) -> None:
    done, shown = talk(shared, "traffic", "--environment=prod", "users", "0", answers=[answer])
    assert done == status, shown
    assert "Give the new service 0 % of users? [y/N]" in shown
    assert both(shared) == agreed(users=100 if status else 0)


def test_without_a_terminal_nothing_happens_unasked(shared: Cloud) -> None:
    done = shared.run("traffic", "--environment=prod", "ai", "10")
    assert (done.returncode, both(shared)) == (1, agreed())


@pytest.mark.parametrize("family", ["chat", "all"])
def test_the_chat_is_not_shared(shared: Cloud, family: str) -> None:
    done = shared.run("traffic", "--environment=prod", family, "50", "--yes")
    assert done.returncode == 1
    assert "have to meet the same server" in done.stdout
    assert both(shared) == agreed()


@pytest.mark.parametrize(
    "arguments",
    [("ai",), ("ai", "101"), ("ai", "-1"), ("ai", "1.5"), ("cleanup", "50")],
    ids=" ".join,
)
def test_a_wrong_command_line_is_refused(shared: Cloud, arguments: tuple[str, ...]) -> None:
    assert shared.run("traffic", "--environment=prod", *arguments).returncode == 2


def test_what_somebody_else_wrote_meanwhile_stays(shared: Cloud) -> None:
    shared.has(objects_change_when_read=True)
    done = shared.run("traffic", "--environment=prod", "ai", "10", "--yes")
    assert done.returncode == 1
    assert "Nothing was changed" in done.stdout
    assert both(shared) == agreed()


def test_what_is_half_done_is_said_and_mended_by_the_same_again(shared: Cloud) -> None:
    shared.has(url_map_refuses=True)
    done = shared.run("traffic", "--environment=prod", "ai", "10", "--yes")
    assert done.returncode == 1
    assert "The same command again mends it" in done.stdout
    assert "./scripts/traffic --environment prod ai 10" in done.stdout
    assert (wanted(shared)["ai"], now(shared)["ai"]) == (10, {100})
    assert "differs" in shared.run("traffic", "--environment=prod").stdout
    shared.has(url_map_refuses=False)
    assert shared.run("traffic", "--environment=prod", "ai", "10", "--yes").returncode == 0
    assert both(shared) == agreed(ai=10)


def test_what_somebody_else_does_to_the_url_map_right_after_is_noticed(shared: Cloud) -> None:
    shared.has(url_map_is_followed_by=url_map(WHOLE | {"ai": 60}))
    done = shared.run("traffic", "--environment=prod", "ai", "10", "--yes")
    assert done.returncode == 1
    assert "changed at the same time" in done.stdout


def test_without_an_old_service_nothing_is_changed(shared: Cloud) -> None:
    shared.has(url_maps={"liftlog": url_map(WHOLE, has_old=False)})
    done = shared.run("traffic", "--environment=prod", "ai", "10", "--yes")
    assert done.returncode == 1
    assert "no old service beside ai" in done.stdout
    assert wanted(shared) == WHOLE


def test_what_gcloud_says_is_shown_in_few_lines(cloud: Cloud) -> None:
    done = cloud.run("traffic", "--environment=prod")
    assert done.returncode == 1
    assert "traffic.json not found: 404." in done.stdout
    assert "Traceback" not in done.stdout + done.stderr


def test_shares_that_cannot_be_read_are_refused(shared: Cloud) -> None:
    shared.has(objects={OBJECT: {"generation": 5, "data": '{"ai": 100}'}})
    done = shared.run("traffic", "--environment=prod")
    assert done.returncode == 1
    assert f"{OBJECT} cannot be used: it does not say users" in done.stdout


def test_shares_are_shown(shared: Cloud) -> None:
    maps = {"liftlog": url_map(WHOLE | {"ai": 60})}
    shared.has(url_maps=maps)
    done = shared.run("traffic", "--environment=prod")
    assert done.returncode == 0
    as_golden("traffic-shown", done.stdout)


@pytest.mark.parametrize(("family", "percent"), [("users", "50"), ("all", "0")])
def test_a_dry_run_shows_every_call_and_changes_nothing(
    shared: Cloud, family: str, percent: str
) -> None:
    done = shared.run("traffic", "--environment=prod", family, percent, "--dry-run")
    assert done.returncode == 0
    as_golden(f"traffic-{family}", done.stdout)
    assert both(shared) == agreed()
