"""What each release replaced."""

import pytest

from scripts.release.history import Replaced, read, served, with_release, written


def test_what_is_written_is_read() -> None:
    history = with_release(with_release([], {"users": "u1"}), {"users": "u2", "chat": "c1"})
    assert read(written(history)) == [{"users": "u2", "chat": "c1"}, {"users": "u1"}]


def test_a_release_that_is_tried_again_is_one() -> None:
    history = with_release([{"chat": "c1"}], {"users": "u1"})
    assert with_release(history, {"users": "u1"}) == [{"users": "u1"}, {"chat": "c1"}]


def test_what_served_again_after_others_is_there_again() -> None:
    history = [{"users": "u2"}, {"users": "u1"}]
    assert with_release(history, {"users": "u1"}) == [{"users": "u1"}, *history]


def test_fifty_releases_are_kept() -> None:
    history: list[Replaced] = []
    for number in range(60):
        history = with_release(history, {"users": f"u{number}"})
    assert [each["users"] for each in history] == [f"u{number}" for number in range(59, 9, -1)]


def test_what_has_served_is_told_by_service() -> None:
    history = [{"users": "u2", "chat": "c1"}, {"users": "u1"}]
    assert served(history, "users") == {"u1", "u2"}
    assert served(history, "ai") == set()


@pytest.mark.parametrize("text", ["", "<html>", "{}", "[1]", '[{"users": 1}]', "null"])
def test_what_is_no_history_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        read(text)
