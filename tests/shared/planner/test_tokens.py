"""Estimates of tokens."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.planner.tokens import count_tokens, first_tokens

TEXTS = st.text(st.characters(exclude_categories=["Cs"]))


@pytest.mark.parametrize(
    ("text", "tokens"), [("", 0), ("a", 1), ("abc", 1), ("abcd", 2), ("漢字", 2), ("😀", 2)]
)
def test_token_has_three_bytes(text: str, tokens: int) -> None:
    assert count_tokens(text) == tokens


@given(TEXTS, st.integers(-5, 40))
def test_beginning_is_as_long_as_possible(text: str, tokens: int) -> None:
    beginning = first_tokens(text, tokens)
    assert text.startswith(beginning)
    assert count_tokens(beginning) <= max(0, tokens)
    if beginning != text:
        assert count_tokens(text[: len(beginning) + 1]) > max(0, tokens)
