"""Which shares may be wanted, and when there is something to be warned of."""

import json
from typing import Any

import pytest

from scripts.admin.traffic_split import FAMILIES, chosen, read, warning, written

WHOLE = dict.fromkeys(FAMILIES, 100)


def test_what_is_written_can_be_read() -> None:
    assert read(written(WHOLE | {"ai": 5})) == WHOLE | {"ai": 5}


@pytest.mark.parametrize(
    "value",
    [[], {**WHOLE, "ai": 101}, {**WHOLE, "ai": -1}, {**WHOLE, "ai": True}, {**WHOLE, "ai": "5"}],
    ids=["a list", "too much", "too little", "a boolean", "a text"],
)
def test_what_are_no_shares_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match="does not give percents"):
        read(json.dumps(value))


def test_shares_that_leave_families_out_are_refused() -> None:
    with pytest.raises(ValueError, match="does not say events, chat"):
        read(json.dumps({f: 100 for f in FAMILIES if f not in {"events", "chat"}}))


def test_a_family_or_all_may_be_chosen() -> None:
    assert chosen("ai", 5) == {"ai": 5}
    assert chosen("chat", 0) == {"chat": 0}
    assert chosen("all", 100) == WHOLE


@pytest.mark.parametrize("family", ["chat", "all"])
@pytest.mark.parametrize("percent", [1, 99])
def test_the_chat_is_not_shared(family: str, percent: int) -> None:
    with pytest.raises(ValueError, match="have to meet the same server"):
        chosen(family, percent)


@pytest.mark.parametrize(
    ("shares", "changed", "is_risky"),
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
        "everything is new",
        "users are shared",
        "a little is left with the old",
        "users are on the other side than their events",
        "all that keep data are on the same side",
        "what keeps no data is shared",
        "what keeps no data is elsewhere",
        "it was so before",
    ],
)
def test_one_is_warned_while_data_would_be_on_two_sides(
    shares: dict[str, int], changed: str, is_risky: bool
) -> None:
    families = FAMILIES if changed == "all" else (changed,)
    said = warning(WHOLE | shares, families) or ""
    assert ("requests that meet the other side fail" in said) == is_risky


def test_one_is_told_that_data_does_not_move_with_the_traffic() -> None:
    assert "only if it was copied" in (warning(WHOLE, FAMILIES) or "")
    assert warning(WHOLE, ["ai", "chat"]) is None
