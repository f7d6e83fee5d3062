"""Which revision a service goes back to."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from scripts.release.revisions import (
    Revision,
    Way,
    revisions,
    shares_of_services,
    way_back,
    way_to,
)


def history(states: str) -> list[Revision]:
    """Return r1, r2 ... from a letter each: `r` for one that is ready, `-` for one that is not."""
    return [
        Revision(f"r{day}", datetime(2026, 1, day, tzinfo=UTC), is_ready=state == "r")
        for day, state in enumerate(states, start=1)
    ]


@pytest.mark.parametrize(
    ("states", "shares", "served", "to"),
    [
        ("rrr", {"r3": 100}, "r1 r2", "r2"),
        ("rrr", {"r3": 100}, "r1", "r1"),
        ("r-r", {"r3": 100}, "r1 r2", "r1"),
        ("rr-", {"r2": 100}, "r1", "r1"),
        ("rrr", {"r2": 95, "r3": 5}, "", "r2"),
        ("rrr", {"r2": 5, "r3": 95}, "r1", "r2"),
        ("rrr", {"r1": 50, "r3": 50}, "r2", "r1"),
        ("-r", {"r1": 50, "r2": 50}, "", "r1"),
    ],
    ids=[
        "to the one before",
        "to none that only was there",
        "to none that was never ready",
        "from what serves, when the newest never became ready",
        "from the first step of a canary",
        "from the last step of a canary",
        "to the older of two, not to one between them",
        "to one that serves, whatever is said of it",
    ],
)
def test_a_service_goes_back(states: str, shares: dict[str, int], served: str, to: str) -> None:
    assert way_back(shares, history(states), served.split()) == Way(to)


@pytest.mark.parametrize(
    ("states", "shares", "served"),
    [
        ("r", {"r1": 100}, "r1"),
        ("--r", {"r3": 100}, "r1 r2"),
        ("rr", {}, "r1"),
        ("rr", {"r2": 100}, "r2"),
    ],
    ids=[
        "the first",
        "nothing older is ready",
        "no traffic at all",
        "nothing older has served",
    ],
)
def test_where_there_is_no_way_back_it_is_a_dead_end(
    states: str, shares: dict[str, int], served: str
) -> None:
    way = way_back(shares, history(states), served.split())
    assert (way.to, way.is_dead_end) == (None, True)


def test_who_is_back_does_not_go_back_twice() -> None:
    way = way_back({"r2": 100}, history("rrr"), ["r1"])
    assert (way.to, way.is_dead_end) == (None, False)
    assert "r3 is newer" in way.note


def test_a_revision_may_be_named() -> None:
    assert way_to("r1", {"r3": 100}, history("rrr")) == Way("r1")
    assert way_to("r3", {"r2": 50, "r3": 50}, history("rrr")) == Way("r3")
    assert way_to("r3", {"r3": 100}, history("rrr")).to is None


@pytest.mark.parametrize("name", ["r2", "r9"], ids=["not ready", "unknown"])
def test_a_revision_that_cannot_serve_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=f"{name} is no revision that is ready; .* r1, r3$"):
        way_to(name, {"r3": 100}, history("r-r"))


def test_shares_of_a_revision_are_added_up_and_tags_alone_are_no_share() -> None:
    traffic = [
        {"revisionName": "r2", "percent": 90, "latestRevision": True},
        {"revisionName": "r2", "percent": 10, "tag": "candidate"},
        {"revisionName": "r1", "tag": "old"},
    ]
    listed = [
        {"metadata": {"name": "users"}, "status": {"traffic": traffic}},
        {"metadata": {"name": "events"}, "status": {}},
    ]
    assert shares_of_services(json.dumps(listed)) == {"users": {"r2": 100}, "events": {}}


def test_revisions_come_oldest_first_with_what_is_said_of_them() -> None:
    def one(name: str, day: int, *conditions: tuple[str, str]) -> dict[str, Any]:
        return {
            "metadata": {"name": name, "creationTimestamp": f"2026-01-{day:02}T00:00:00.000000Z"},
            "status": {"conditions": [{"type": t, "status": s} for t, s in conditions]},
        }

    active = ("Active", "True")
    found = revisions(
        json.dumps(
            [
                one("r3", 3, ("Ready", "Unknown"), active),
                one("r1", 1, ("Ready", "True")),
                one("r2", 2, active, ("Ready", "False")),
            ]
        )
    )
    assert found == history("r--")
