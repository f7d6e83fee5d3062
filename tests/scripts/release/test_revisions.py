"""The choice of the revision for a rollback."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from scripts.release.revisions import (
    Revision,
    RollbackChoice,
    choose_named,
    choose_previous,
    read_revisions,
)


def revisions(states: str) -> list[Revision]:
    """Return r1, r2 ... for one letter each: `r` is ready, `-` is not."""
    return [
        Revision(f"r{day}", datetime(2026, 1, day, tzinfo=UTC), is_ready=state == "r")
        for day, state in enumerate(states, start=1)
    ]


@pytest.mark.parametrize(
    ("states", "traffic", "served", "to"),
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
        "the one before",
        "not one that never served",
        "not one that is not ready",
        "from the serving one, with a newer broken one",
        "first step of a canary",
        "last step of a canary",
        "the older one of a canary, not one between",
        "one with traffic, ready or not",
    ],
)
def test_rollback_chooses_the_previous(
    states: str, traffic: dict[str, int], served: str, to: str
) -> None:
    assert choose_previous(traffic, revisions(states), served.split()) == RollbackChoice(to)


@pytest.mark.parametrize(
    ("states", "traffic", "served"),
    [
        ("r", {"r1": 100}, "r1"),
        ("--r", {"r3": 100}, "r1 r2"),
        ("rr", {}, "r1"),
        ("rr", {"r2": 100}, "r2"),
    ],
    ids=["first revision", "no older one is ready", "no traffic", "no older one has served"],
)
def test_rollback_without_a_previous_fails(
    states: str, traffic: dict[str, int], served: str
) -> None:
    choice = choose_previous(traffic, revisions(states), served.split())
    assert (choice.revision, choice.is_failure) == (None, True)


def test_repeated_rollback_changes_nothing() -> None:
    choice = choose_previous({"r2": 100}, revisions("rrr"), ["r1"])
    assert (choice.revision, choice.is_failure) == (None, False)
    assert "r3 is newer" in choice.note


def test_revision_can_be_named() -> None:
    assert choose_named("r1", {"r3": 100}, revisions("rrr")) == RollbackChoice("r1")
    assert choose_named("r3", {"r2": 50, "r3": 50}, revisions("rrr")) == RollbackChoice("r3")
    assert choose_named("r3", {"r3": 100}, revisions("rrr")).revision is None


@pytest.mark.parametrize("name", ["r2", "r9"], ids=["not ready", "unknown"])
def test_named_revision_must_be_ready(name: str) -> None:
    with pytest.raises(ValueError, match=f"{name} is not a ready revision; ready are r1, r3$"):
        choose_named(name, {"r3": 100}, revisions("r-r"))


def test_revisions_are_sorted_oldest_first() -> None:
    def listed(name: str, day: int, *conditions: tuple[str, str]) -> dict[str, Any]:
        return {
            "metadata": {"name": name, "creationTimestamp": f"2026-01-{day:02}T00:00:00.000000Z"},
            "status": {"conditions": [{"type": t, "status": s} for t, s in conditions]},
        }

    active = ("Active", "True")
    found = read_revisions(
        json.dumps(
            [
                listed("r3", 3, ("Ready", "Unknown"), active),
                listed("r1", 1, ("Ready", "True")),
                listed("r2", 2, active, ("Ready", "False")),
            ]
        )
    )
    assert found == revisions("r--")
