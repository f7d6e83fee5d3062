"""Valid traffic splits, and warnings about their risks."""

import json
from typing import Any

import pytest

from scripts.admin.traffic_split import (
    FAMILIES,
    find_risk,
    format_split,
    parse_split,
    requested_split,
)

ALL_NEW = dict.fromkeys(FAMILIES, 100)


def test_formatted_split_can_be_parsed() -> None:
    assert parse_split(format_split(ALL_NEW | {"ai": 5})) == ALL_NEW | {"ai": 5}


@pytest.mark.parametrize(
    "value",
    [
        [],
        {**ALL_NEW, "ai": 101},
        {**ALL_NEW, "ai": -1},
        {**ALL_NEW, "ai": True},
        {**ALL_NEW, "ai": "5"},
    ],
    ids=["list", "above 100", "negative", "boolean", "text"],
)
def test_invalid_split_is_rejected(value: Any) -> None:
    with pytest.raises(ValueError, match="does not map families to percents"):
        parse_split(json.dumps(value))


def test_incomplete_split_is_rejected() -> None:
    with pytest.raises(ValueError, match="no percent for events, chat"):
        parse_split(json.dumps({f: 100 for f in FAMILIES if f not in {"events", "chat"}}))


def test_family_that_was_added_later_is_on_the_old_side() -> None:
    before = json.dumps({family: 100 for family in FAMILIES if family != "backup"})
    assert parse_split(before) == ALL_NEW | {"backup": 0}


def test_one_family_or_all_can_be_requested() -> None:
    assert requested_split("ai", 5) == {"ai": 5}
    assert requested_split("chat", 0) == {"chat": 0}
    assert requested_split("all", 100) == ALL_NEW


@pytest.mark.parametrize("family", ["chat", "all"])
@pytest.mark.parametrize("percent", [1, 99])
def test_chat_cannot_be_split(family: str, percent: int) -> None:
    with pytest.raises(ValueError, match="must reach the same server"):
        requested_split(family, percent)


@pytest.mark.parametrize(
    ("split", "changed", "is_risky"),
    [
        ({}, "all", False),
        ({"users": 50}, "users", True),
        ({"events": 99}, "events", True),
        ({"users": 0}, "users", True),
        ({"users": 0, "events": 0, "social": 0, "sharing": 0}, "users", False),
        ({"ai": 50}, "ai", False),
        ({"chat": 0}, "chat", False),
        ({"users": 50}, "ai", False),
    ],
    ids=[
        "all on the new side",
        "users split",
        "one percent of events on the old side",
        "users on another side than their events",
        "all families with data on one side",
        "family without data split",
        "family without data on the other side",
        "unchanged split",
    ],
)
def test_data_on_two_sides_is_a_risk(split: dict[str, int], changed: str, is_risky: bool) -> None:
    families = FAMILIES if changed == "all" else (changed,)
    risk = find_risk(ALL_NEW | split, families) or ""
    assert ("requests that reach the other side fail" in risk) == is_risky


def test_move_of_families_with_data_names_the_copy() -> None:
    assert "only if it was copied" in (find_risk(ALL_NEW, FAMILIES) or "")
    assert find_risk(ALL_NEW, ["ai", "chat"]) is None
