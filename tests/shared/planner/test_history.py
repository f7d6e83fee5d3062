"""What a talk remembers: so much, in order, and no answer without its question."""

from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.planner.history import LIMIT, LONGEST, History
from shared.planner.messages import FunctionCall, Message

KINDS = ("user", "assistant", "plan")
TURNS = st.lists(st.sampled_from(KINDS), max_size=60)


def turn(kind: str, number: int) -> tuple[Message, ...]:
    """Return what is added at once; each text and each call is its own."""
    match kind:
        case "user":
            return (Message("user", f"wish {number}"),)
        case "plan":
            call = FunctionCall(f"call_{number}", "show_plan", "{}")
            return Message("assistant", f"words {number}", call), Message("tool", "shown", call)
    return (Message("assistant", f"words {number}"),)


def talk(kinds: list[str]) -> tuple[History, list[Message]]:
    """Return a conversation after these turns, and everything that was said in them."""
    turns = [turn(kind, number) for number, kind in enumerate(kinds)]
    conversation = History()
    for said in turns:
        conversation = conversation.plus(*said)
    return conversation, list(chain.from_iterable(turns))


@given(TURNS)
def test_the_newest_are_kept_in_order_and_no_answer_without_its_call(kinds: list[str]) -> None:
    conversation, everything = talk(kinds)
    kept = list(conversation.said)
    assert kept == everything[len(everything) - len(kept) :]
    # An answer whose call would be the twenty-first is the only one that may be missing.
    forgotten = everything[-LIMIT:][: min(LIMIT, len(everything)) - len(kept)]
    assert [each.by for each in forgotten] in ([], ["tool"])
    for place, each in enumerate(kept):
        if each.by == "tool":
            assert place > 0
            assert kept[place - 1].call == each.call


def test_twenty_messages_are_remembered_and_not_one_more() -> None:
    conversation, everything = talk(["user", "assistant"] * 15)
    assert list(conversation.said) == everything[10:]
    assert LIMIT == 20


@pytest.mark.parametrize(
    ("newer", "first"),
    [(18, "assistant"), (19, "user"), (20, "user")],
    ids=["both are kept", "the call would be forgotten", "both would be forgotten"],
)
def test_a_call_and_its_answer_are_forgotten_together(newer: int, first: str) -> None:
    conversation, _ = talk(["plan", *["user"] * newer])
    assert conversation.said[0].by == first
    assert len(conversation.said) == (20 if newer != 19 else 19)


def long(length: int) -> Message:
    return Message("user", "x" * length)


def plan(length: int) -> tuple[Message, Message]:
    call = FunctionCall("call_1", "show_plan", "x" * length)
    return Message("assistant", "", call), Message("tool", "", call)


@pytest.mark.parametrize(
    ("lengths", "kept"),
    [
        ((LONGEST // 2, LONGEST // 2), 2),
        ((LONGEST // 2, LONGEST // 2, 1), 2),
        ((1, LONGEST - 1, 1), 2),
        ((LONGEST, 1, LONGEST), 1),
        ((1, LONGEST + 1), 1),
    ],
    ids=["just enough room", "a letter too much", "two letters too much", "all", "too long itself"],
)
def test_long_messages_leave_less_room_for_older_ones(lengths: tuple[int, ...], kept: int) -> None:
    conversation = History()
    for length in lengths:
        conversation = conversation.plus(long(length))
    assert [len(each.text) for each in conversation.said] == list(lengths[-kept:])


def test_a_plan_takes_its_room_once_and_leaves_whole() -> None:
    conversation = History()
    conversation = conversation.plus(*plan(LONGEST - 10))
    conversation = conversation.plus(long(10))
    assert len(conversation.said) == 3
    conversation = conversation.plus(long(1))
    assert [each.by for each in conversation.said] == ["user", "user"]


def test_what_was_just_said_is_remembered_however_long_it_is() -> None:
    conversation = History()
    conversation = conversation.plus(long(5))
    conversation = conversation.plus(*plan(LONGEST + 1))
    assert [each.by for each in conversation.said] == ["assistant", "tool"]
