"""Messages in the context of the model: the newest fit, and the rest is named."""

import json
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from shared.planner.context import Fitted, Shortened, fit, token_count, with_notes
from shared.planner.messages import FunctionCall, Message
from shared.planner.prompts import INTRODUCE, PLAN_SHOWN

MIN_TOKENS = 200  # of a shortened message
KINDS = st.tuples(
    st.sampled_from(["user", "assistant", "plan", "broken plan"]), st.integers(0, 3000)
)


def plan_messages(arguments: str) -> list[Message]:
    call = FunctionCall("call_1", "show_plan", arguments)
    return [Message("assistant", "Here it is.", call), Message("tool", PLAN_SHOWN, call)]


def plan_of(session_count: int) -> str:
    sessions = [{"name": f"Day {number}", "exercises": []} for number in range(session_count)]
    return json.dumps({"name": "P", "sessions": sessions})


def messages_of(kind: str, length: int) -> list[Message]:
    match kind:
        case "plan":
            return plan_messages(plan_of(length // 40 + 1))
        case "broken plan":
            return plan_messages("x" * length)
        case "user":
            return [Message("user", "ü" * length)]
    return [Message("assistant", "x" * length)]


CONVERSATIONS = st.lists(KINDS, max_size=12).map(
    lambda kinds: [message for kind in kinds for message in messages_of(*kind)]
)


def is_beginning(kept: Message, original: Message) -> bool:
    """Return whether a message is the other one, or its beginning."""
    if kept.call is None or original.call is None or kept.call == original.call:
        return original.text.startswith(kept.text) and kept.call == original.call
    some, all_sessions = (
        json.loads(each.call.arguments)["sessions"] for each in (kept, original) if each.call
    )
    return kept.text == original.text and some == all_sessions[: len(some)]


@given(CONVERSATIONS, st.integers(-100, 4000))
def test_newest_messages_fit_in_order(messages: list[Message], budget: int) -> None:
    fitted = fit(messages, budget)
    kept = list(fitted.messages)
    assert token_count(kept) <= max(budget, MIN_TOKENS)
    suffix = messages[len(messages) - len(kept) :]
    assert all(map(is_beginning, kept, suffix))
    # Only the oldest message, or plan with its response, is shortened.
    first_whole = 2 if kept and kept[0].call else 1
    assert kept[first_whole:] == suffix[first_whole:]


@given(CONVERSATIONS, st.integers(0, 4000))
def test_call_and_response_stay_together(messages: list[Message], budget: int) -> None:
    kept = fit(messages, budget).messages
    assert not kept or kept[0].role != "tool"
    for before, after in pairwise([*kept, Message("user", "")]):
        assert (before.call is not None and before.role == "assistant") == (after.role == "tool")
        if after.role == "tool":
            assert before.call == after.call
            assert before.full_length == after.full_length


@given(CONVERSATIONS, st.integers(0, 4000))
def test_whole_conversation_is_unchanged_if_it_fits(messages: list[Message], more: int) -> None:
    budget = max(token_count(messages), MIN_TOKENS) + more
    assert fit(messages, budget) == Fitted(tuple(messages))


@given(CONVERSATIONS, st.integers(0, 4000), st.integers(0, 4000))
def test_fitting_twice_names_a_message_once(messages: list[Message], one: int, two: int) -> None:
    first = fit(messages, one)
    second = fit(first.messages, two)
    if (
        first.shortened is not None
        and first.messages
        and len(second.messages) == len(first.messages)
    ):
        assert second.shortened is None
    assert fit(second.messages, max(two, MIN_TOKENS)).messages == second.messages


@given(CONVERSATIONS, st.integers(0, 4000))
def test_every_missing_message_is_named(messages: list[Message], budget: int) -> None:
    fitted = fit(messages, budget)
    dropped = messages[: len(messages) - len(fitted.messages)]
    assert fitted.has_dropped == any(each.role == "user" or each.call for each in dropped)
    shortened = [each for each in fitted.messages if each.full_length and each.role != "tool"]
    assert bool(shortened) == (fitted.shortened is not None)


def test_long_message_keeps_its_beginning() -> None:
    [kept] = fit([Message("user", "x" * 10_000)], 1000).messages
    assert 2700 < len(kept.text) < 3000
    assert kept.full_length == 10_000
    [sent] = with_notes([kept])
    assert sent.text.startswith(kept.text)
    assert f"the first {len(kept.text)} of 10000 characters" in sent.text
    assert token_count([sent]) <= 1000


def test_program_keeps_its_beginning_before_newer_messages() -> None:
    program, newer = Message("user", "x" * 10_000), [Message("user", "y" * 300)] * 3
    fitted = fit([Message("user", "old"), program, *newer], 1000)
    kept = fitted.messages[0]
    assert kept.text == "x" * len(kept.text)
    assert list(fitted.messages[1:]) == newer
    assert fitted.shortened == Shortened(len(kept.text), 10_000, is_plan=False, is_newest=False)
    assert fitted.has_dropped


def test_long_plan_keeps_whole_sessions() -> None:
    messages = [*plan_messages(plan_of(364)), Message("user", "Fewer, please.")]
    fitted = fit(messages, 1000)
    call, shown, _ = fitted.messages
    assert call.call is not None
    sessions = json.loads(call.call.arguments)["sessions"]
    assert sessions[0]["name"] == "Day 0"
    assert 50 < len(sessions) < 100
    assert fitted.shortened == Shortened(len(sessions), 364, is_plan=True, is_newest=False)
    assert with_notes([shown])[0].text.startswith(PLAN_SHOWN)
    assert "It has 364 sessions" in with_notes([shown])[0].text


def test_dropped_introduction_is_not_named() -> None:
    introduction = [Message("user", INTRODUCE), Message("assistant", "I am the coach.")]
    fitted = fit([*introduction, Message("user", "x" * 10_000)], 1000)
    assert len(fitted.messages) == 1
    assert not fitted.has_dropped


def test_unchanged_messages_have_no_note() -> None:
    messages = [Message("user", "x"), *plan_messages(plan_of(2))]
    assert with_notes(messages) == messages
