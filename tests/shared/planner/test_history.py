"""The limits of the history."""

from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.planner.history import MAX_CHARACTERS, MAX_MESSAGES, History
from shared.planner.messages import FunctionCall, Message

KINDS = ("user", "assistant", "plan")
ADDITIONS = st.lists(st.sampled_from(KINDS), max_size=60)


def addition(kind: str, number: int) -> tuple[Message, ...]:
    """Return the messages of one addition, with unique texts and calls."""
    match kind:
        case "user":
            return (Message("user", f"message {number}"),)
        case "plan":
            call = FunctionCall(f"call_{number}", "show_plan", "{}")
            return Message("assistant", f"reply {number}", call), Message("tool", "shown", call)
    return (Message("assistant", f"reply {number}"),)


def fill_history(kinds: list[str]) -> tuple[History, list[Message]]:
    """Return a history after these additions, and all added messages."""
    additions = [addition(kind, number) for number, kind in enumerate(kinds)]
    history = History()
    for messages in additions:
        history = history.plus(*messages)
    return history, list(chain.from_iterable(additions))


@given(ADDITIONS)
def test_history_keeps_the_newest_in_order(kinds: list[str]) -> None:
    history, added = fill_history(kinds)
    kept = list(history.messages)
    assert kept == added[len(added) - len(kept) :]
    # Only a response whose call would be the twenty-first message may be missing.
    dropped = added[-MAX_MESSAGES:][: min(MAX_MESSAGES, len(added)) - len(kept)]
    assert [each.role for each in dropped] in ([], ["tool"])
    for place, each in enumerate(kept):
        if each.role == "tool":
            assert place > 0
            assert kept[place - 1].call == each.call


def test_history_keeps_twenty_messages() -> None:
    history, added = fill_history(["user", "assistant"] * 15)
    assert list(history.messages) == added[10:]
    assert MAX_MESSAGES == 20


@pytest.mark.parametrize(
    ("newer", "first"),
    [(18, "assistant"), (19, "user"), (20, "user")],
    ids=["both are kept", "the call would be dropped", "both would be dropped"],
)
def test_call_and_response_are_dropped_together(newer: int, first: str) -> None:
    history, _ = fill_history(["plan", *["user"] * newer])
    assert history.messages[0].role == first
    assert len(history.messages) == (20 if newer != 19 else 19)


def long_message(length: int) -> Message:
    return Message("user", "x" * length)


def plan_messages(length: int) -> tuple[Message, Message]:
    call = FunctionCall("call_1", "show_plan", "x" * length)
    return Message("assistant", "", call), Message("tool", "", call)


@pytest.mark.parametrize(
    ("lengths", "kept"),
    [
        ((MAX_CHARACTERS // 2, MAX_CHARACTERS // 2), 2),
        ((MAX_CHARACTERS // 2, MAX_CHARACTERS // 2, 1), 2),
        ((1, MAX_CHARACTERS - 1, 1), 2),
        ((MAX_CHARACTERS, 1, MAX_CHARACTERS), 1),
        ((1, MAX_CHARACTERS + 1), 1),
    ],
    ids=[
        "at the limit",
        "one character too many",
        "two characters too many",
        "all",
        "one too long message",
    ],
)
def test_long_messages_displace_older_ones(lengths: tuple[int, ...], kept: int) -> None:
    history = History()
    for length in lengths:
        history = history.plus(long_message(length))
    assert [len(each.text) for each in history.messages] == list(lengths[-kept:])


def test_plan_counts_once_and_is_dropped_whole() -> None:
    history = History()
    history = history.plus(*plan_messages(MAX_CHARACTERS - 10))
    history = history.plus(long_message(10))
    assert len(history.messages) == 3
    history = history.plus(long_message(1))
    assert [each.role for each in history.messages] == ["user", "user"]


def test_newest_messages_are_kept_at_any_length() -> None:
    history = History()
    history = history.plus(long_message(5))
    history = history.plus(*plan_messages(MAX_CHARACTERS + 1))
    assert [each.role for each in history.messages] == ["assistant", "tool"]
