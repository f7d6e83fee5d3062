"""A reply, put together from pieces as they come."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.planner.model_response import ModelResponse

CALL = {"index": 0, "id": "call_7", "type": "function"}


def piece(delta: dict[str, Any], finish_reason: str | None = None) -> dict[str, Any]:
    """Return a piece as a server sends it; through JSON, as it comes from there."""
    choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
    content: dict[str, Any] = json.loads(json.dumps({"id": "chatcmpl-1", "choices": [choice]}))
    return content


def calling(arguments: str, name: str | None = None, **call: Any) -> dict[str, Any]:
    return piece({"tool_calls": [{**call, "function": {"name": name, "arguments": arguments}}]})


def put_together(*pieces: object) -> ModelResponse:
    reply = ModelResponse()
    for each in pieces:
        reply.add(each)
    return reply


def halves(text: str) -> str:
    """Return a text whose characters beyond the 65,536th are two halves each, as in UTF-16."""
    raw = text.encode("utf-16-le", "surrogatepass")
    return "".join(chr(raw[n] | raw[n + 1] << 8) for n in range(0, len(raw), 2))


def pieces_of(text: str, cuts: Sequence[int]) -> Iterator[str]:
    """Cut a text anywhere, between two halves of a character too."""
    ends = sorted(cut % (len(text) + 1) for cut in cuts)
    for begin, end in zip([0, *ends], [*ends, len(text)], strict=True):
        yield text[begin:end]


CUTS = st.lists(st.integers(0, 1000), max_size=10)
TEXTS = st.text(
    st.sampled_from("ab\u00e9\u6f22\U0001f600\U0001f3cb\U0010ffff")
    | st.characters(exclude_categories=["Cs"])
)


@given(text=TEXTS, cuts=CUTS)
def test_a_character_may_come_in_two_halves(text: str, cuts: list[int]) -> None:
    said, filled_in = ModelResponse(), ModelResponse()
    for part in pieces_of(halves(text), cuts):
        said.add(piece({"content": part}))
        filled_in.add(calling(part, index=0))
        for so_far in (said.text, filled_in.arguments):
            so_far.encode()  # can be sent on
            assert text.startswith(so_far)
    assert said.text == filled_in.arguments == text


@given(text=st.text(st.sampled_from("a\ud83d\ude00\u00e9"), max_size=8), cuts=CUTS)
def test_half_a_character_alone_becomes_a_mark_that_something_is_missing_or_waits_for_the_other(
    text: str, cuts: list[int]
) -> None:
    reply = put_together(*(piece({"content": part}) for part in pieces_of(text, cuts)))
    expected = text.removesuffix("\ud83d").replace("\ud83d\ude00", "\U0001f600")
    for half in "\ud83d\ude00":
        expected = expected.replace(half, "\ufffd")
    assert reply.text == expected


def test_a_call_is_named_once_and_its_arguments_come_bit_by_bit() -> None:
    reply = put_together(
        calling("", "show_plan", **CALL), calling('{"a"', index=0), calling(": 1}", index=0)
    )
    assert reply.call is not None
    assert (reply.call.id, reply.call.function) == ("call_7", "show_plan")
    assert reply.call.arguments == reply.arguments == '{"a": 1}'


def test_of_several_calls_only_the_first_counts() -> None:
    reply = put_together(
        calling("1", "show_plan", **CALL),
        calling("2", "other", index=1, id="call_8"),
        calling("3", index=0),
    )
    assert reply.call is not None
    assert (reply.call.id, reply.call.function) == ("call_7", "show_plan")
    assert reply.arguments == "13"


def test_of_several_choices_only_the_first_counts() -> None:
    both = piece({"content": "a"})
    both["choices"] += piece({"content": "b"}, "length")["choices"]
    reply = put_together(both)
    assert (reply.text, reply.ended) == ("a", None)


def test_a_refusal_is_text_and_known_as_one() -> None:
    reply = put_together(piece({"refusal": "I will "}), piece({"refusal": "not."}, "stop"))
    assert (reply.text, reply.refused, reply.ended) == ("I will not.", True, "stop")
    assert not put_together(piece({"content": "I will.", "refusal": None})).refused


def test_words_alone_are_no_call() -> None:
    reply = put_together(piece({"role": "assistant", "content": "Hello"}), piece({}, "stop"))
    assert reply.call is None
    assert (reply.text, reply.ended, reply.arguments) == ("Hello", "stop", "")


def test_usage_comes_last_and_without_choices() -> None:
    usage = {"prompt_tokens": 12, "completion_tokens": 3, "total_tokens": 15}
    reply = put_together(piece({"content": "a"}, "stop"), {"choices": [], "usage": usage})
    assert (reply.prompt_tokens, reply.completion_tokens, reply.ended) == (12, 3, "stop")


def test_its_length_counts_words_and_arguments() -> None:
    reply = put_together(piece({"content": "four"}), calling("12345", "f", **CALL))
    assert reply.length == 9


@pytest.mark.parametrize(
    "rubbish",
    [
        None,
        "text",
        5,
        [],
        {"choices": "x"},
        {"choices": [5]},
        {"choices": [{"delta": "x"}]},
        {"choices": [{"delta": {"content": 5}}]},
        {"choices": [{"delta": {"tool_calls": {}}}]},
        {"choices": [{"delta": {"tool_calls": [5]}}]},
        {"choices": [{"delta": {"tool_calls": [{"function": {"arguments": {}}}]}}]},
        {"usage": "x"},
    ],
    ids=repr,
)
def test_a_piece_of_another_shape_is_an_error(rubbish: object) -> None:
    with pytest.raises(ValueError, match="validation error"):
        put_together(rubbish)


@pytest.mark.parametrize(
    "little",
    [
        {},
        {"choices": []},
        {"choices": [{}]},
        {"choices": [{"delta": None}]},
        {"choices": [{"delta": {}}]},
        {"choices": [{"delta": {"content": None, "tool_calls": None}}]},
        {"choices": [{"delta": {"tool_calls": [{"index": 0}]}}]},
        {"choices": [{"delta": {"tool_calls": [{"index": 0, "function": {}}]}}], "usage": None},
    ],
    ids=repr,
)
def test_a_piece_with_nothing_in_it_changes_nothing(little: object) -> None:
    reply = put_together(piece({"content": "a"}), little)
    assert (reply.text, reply.call, reply.ended) == ("a", None, None)
