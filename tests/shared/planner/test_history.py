"""The limits of the history."""

import json
import re
from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.planner.history import MAX_MESSAGES, MIN_PROGRAM_CHARACTERS, History
from shared.planner.links import find_links
from shared.planner.messages import FunctionCall, Message

FORGOTTEN = "I no longer remember the beginning of our conversation: it is too long for me."
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


def program(length: int = MIN_PROGRAM_CHARACTERS) -> Message:
    return Message("user", "x" * length)


def test_program_outlasts_twenty_messages() -> None:
    shared, short = program(), Message("user", "x" * (MIN_PROGRAM_CHARACTERS - 1))
    history = History().plus(shared).plus(short)
    for number in range(30):
        history = history.plus(*addition("user", number))
    assert history.messages[0] == shared
    assert [each.text for each in history.messages[1:]] == [f"message {n}" for n in range(10, 30)]


def test_long_reply_does_not_outlast_twenty_messages() -> None:
    history = History().plus(Message("assistant", "x" * 10_000))
    for number in range(20):
        history = history.plus(*addition("user", number))
    assert len(history.messages) == 20


def test_shortened_program_outlasts_twenty_messages() -> None:
    history, _ = History().plus(program(10_000)).fit(400)
    assert len(history.messages[0].text) < MIN_PROGRAM_CHARACTERS
    for number in range(30):
        history = history.plus(*addition("user", number))
    assert history.messages[0].full_length == 10_000


def test_each_omission_is_described_once() -> None:
    history, notice = History().plus(program(12_000)).fit(2060)
    assert notice == "Your message is too long for me: I read the first 49 % of it."
    history, notice = history.plus(*addition("assistant", 1)).fit(2060)
    assert notice == ""
    history, notice = history.plus(program(4000)).fit(2060)
    assert notice == ""  # the first program is shortened again
    history, notice = history.plus(program(5000)).fit(2060)
    earlier, forgotten = notice.split(". ")
    assert re.fullmatch(
        r"Our conversation is too long for me: I remember the first \d\d % of one of your messages",
        earlier,
    )
    assert forgotten == FORGOTTEN
    history, notice = history.plus(program(5000)).fit(2060)
    assert FORGOTTEN not in notice
    assert history.plus(*addition("user", 1)).fit(2060)[1] == ""


def test_shortened_plan_is_described() -> None:
    sessions = [{"name": f"Day {number}"} for number in range(364)]
    call = FunctionCall("1", "show_plan", json.dumps({"name": "P", "sessions": sessions}))
    history = History().plus(Message("assistant", "", call), Message("tool", "Shown.", call))
    _, notice = history.plus(Message("user", "Change it.")).fit(1000)
    assert re.fullmatch(
        r"The plan is too long for me: I remember the first 1\d\d of its 364 sessions\.", notice
    )


def test_links_outlast_their_messages() -> None:
    history = History().plus(Message("user", "See http://example.org/squat"))
    history = history.plus(Message("assistant", "https://example.org/invented"))
    for number in range(30):
        history = history.plus(*addition("user", number))
    assert history.links == find_links("example.org/squat")


def test_number_of_links_is_limited() -> None:
    history, links = History(), ""
    for number in range(3):
        links = " ".join(f"http://example.org/{number}/{place}" for place in range(4000))
        history = history.plus(Message("user", links))
    assert len(history.links) == 5000
    assert find_links(links) <= history.links
