"""Responses of the model, joined from chunks."""

import json
import time
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.planner.model_response import ModelResponse

CALL = {"index": 0, "id": "call_7", "type": "function"}


def chunk(delta: dict[str, Any], finish_reason: str | None = None) -> dict[str, Any]:
    """Return a chunk in the form that the JSON of a server has."""
    choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
    content: dict[str, Any] = json.loads(json.dumps({"id": "chatcmpl-1", "choices": [choice]}))
    return content


def call_chunk(arguments: str, name: str | None = None, **call: Any) -> dict[str, Any]:
    return chunk({"tool_calls": [{**call, "function": {"name": name, "arguments": arguments}}]})


def join(*chunks: object) -> ModelResponse:
    response = ModelResponse()
    for each in chunks:
        response.add(each)
    return response


def to_surrogates(text: str) -> str:
    """Return a text with surrogate pairs, as in UTF-16."""
    raw = text.encode("utf-16-le", "surrogatepass")
    return "".join(chr(raw[n] | raw[n + 1] << 8) for n in range(0, len(raw), 2))


def split(text: str, cuts: Sequence[int]) -> Iterator[str]:
    """Cut a text at these places, also inside surrogate pairs."""
    ends = sorted(cut % (len(text) + 1) for cut in cuts)
    for begin, end in zip([0, *ends], [*ends, len(text)], strict=True):
        yield text[begin:end]


CUTS = st.lists(st.integers(0, 1000), max_size=10)
TEXTS = st.text(
    st.sampled_from("ab\u00e9\u6f22\U0001f600\U0001f3cb\U0010ffff")
    | st.characters(exclude_categories=["Cs"])
)


@given(text=TEXTS, cuts=CUTS)
def test_split_surrogate_pairs_are_joined(text: str, cuts: list[int]) -> None:
    from_text, from_arguments = ModelResponse(), ModelResponse()
    for part in split(to_surrogates(text), cuts):
        from_text.add(chunk({"content": part}))
        from_arguments.add(call_chunk(part, index=0))
        for so_far in (from_text.text, from_arguments.arguments):
            so_far.encode()  # raises an error for a lone surrogate
            assert text.startswith(so_far)
    assert from_text.text == from_arguments.arguments == text


@given(text=st.text(st.sampled_from("a\ud83d\ude00\u00e9"), max_size=8), cuts=CUTS)
def test_lone_surrogates_are_replaced_or_wait(text: str, cuts: list[int]) -> None:
    response = join(*(chunk({"content": part}) for part in split(text, cuts)))
    expected = text.removesuffix("\ud83d").replace("\ud83d\ude00", "\U0001f600")
    for half in "\ud83d\ude00":
        expected = expected.replace(half, "\ufffd")
    assert response.text == expected


def test_arguments_arrive_in_many_chunks() -> None:
    response = join(
        call_chunk("", "show_plan", **CALL),
        call_chunk('{"a"', index=0),
        call_chunk(": 1}", index=0),
    )
    assert response.call is not None
    assert (response.call.id, response.call.function) == ("call_7", "show_plan")
    assert response.call.arguments == response.arguments == '{"a": 1}'


def test_only_the_first_call_is_kept() -> None:
    response = join(
        call_chunk("1", "show_plan", **CALL),
        call_chunk("2", "other", index=1, id="call_8"),
        call_chunk("3", index=0),
    )
    assert response.call is not None
    assert (response.call.id, response.call.function) == ("call_7", "show_plan")
    assert response.arguments == "13"


def test_only_the_first_choice_is_read() -> None:
    both = chunk({"content": "a"})
    both["choices"] += chunk({"content": "b"}, "length")["choices"]
    response = join(both)
    assert (response.text, response.finish_reason) == ("a", None)


def test_refusal_is_text_with_a_flag() -> None:
    response = join(chunk({"refusal": "I will "}), chunk({"refusal": "not."}, "stop"))
    assert (response.text, response.is_refusal, response.finish_reason) == (
        "I will not.",
        True,
        "stop",
    )
    assert not join(chunk({"content": "I will.", "refusal": None})).is_refusal


def test_text_alone_is_not_a_call() -> None:
    response = join(chunk({"role": "assistant", "content": "Hello"}), chunk({}, "stop"))
    assert response.call is None
    assert (response.text, response.finish_reason, response.arguments) == ("Hello", "stop", "")


def test_usage_is_read_from_a_chunk_without_choices() -> None:
    usage = {"prompt_tokens": 12, "completion_tokens": 3, "total_tokens": 15}
    response = join(chunk({"content": "a"}, "stop"), {"choices": [], "usage": usage})
    assert (response.prompt_tokens, response.completion_tokens, response.finish_reason) == (
        12,
        3,
        "stop",
    )


def test_lengths_count_text_and_arguments() -> None:
    response = join(chunk({"content": "four"}), call_chunk("12345", "f", **CALL))
    assert (response.text_length, response.arguments_length) == (4, 5)


def test_parts_of_a_long_plan_take_linear_time() -> None:
    """Copying the text for each part would take minutes."""
    response, part = ModelResponse(), call_chunk("x" * 100, "f", **CALL)
    started = time.process_time()
    for _ in range(100_000):
        response.add(part)
    assert response.arguments == "x" * 10_000_000
    assert time.process_time() - started < 30


def test_text_is_joined_after_each_part() -> None:
    response = ModelResponse()
    for end in range(1, 6):
        response.add(call_chunk(str(end), "f", **CALL))
        assert response.arguments == response.arguments == "12345"[:end]
        assert response.arguments_length == end


@pytest.mark.parametrize(
    "malformed",
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
def test_malformed_chunk_is_an_error(malformed: object) -> None:
    with pytest.raises(ValueError, match="validation error"):
        join(malformed)


@pytest.mark.parametrize(
    "empty",
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
def test_empty_chunk_has_no_effect(empty: object) -> None:
    response = join(chunk({"content": "a"}), empty)
    assert (response.text, response.call, response.finish_reason) == ("a", None, None)
