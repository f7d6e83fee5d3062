"""The history of replaced revisions."""

import pytest

from scripts.release.previous_revisions import (
    ReplacedRevisions,
    add_release,
    format_history,
    parse_history,
    served_revisions,
)


def test_formatted_history_can_be_parsed() -> None:
    history = add_release(add_release([], {"users": "u1"}), {"users": "u2", "chat": "c1"})
    assert parse_history(format_history(history)) == [
        {"users": "u2", "chat": "c1"},
        {"users": "u1"},
    ]


def test_repeated_release_is_added_once() -> None:
    history = add_release([{"chat": "c1"}], {"users": "u1"})
    assert add_release(history, {"users": "u1"}) == [{"users": "u1"}, {"chat": "c1"}]


def test_earlier_revision_can_be_replaced_again() -> None:
    history = [{"users": "u2"}, {"users": "u1"}]
    assert add_release(history, {"users": "u1"}) == [{"users": "u1"}, *history]


def test_history_keeps_fifty_releases() -> None:
    history: list[ReplacedRevisions] = []
    for number in range(60):
        history = add_release(history, {"users": f"u{number}"})
    assert [each["users"] for each in history] == [f"u{number}" for number in range(59, 9, -1)]


def test_served_revisions_are_those_of_the_service() -> None:
    history = [{"users": "u2", "chat": "c1"}, {"users": "u1"}]
    assert served_revisions(history, "users") == {"u1", "u2"}
    assert served_revisions(history, "ai") == set()


@pytest.mark.parametrize("text", ["", "<html>", "{}", "[1]", '[{"users": 1}]', "null"])
def test_invalid_history_is_rejected(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_history(text)
