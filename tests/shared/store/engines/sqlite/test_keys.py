"""Keys of names: their order, and ranges of them."""

import pytest
from google.api_core.exceptions import InvalidArgument
from hypothesis import given
from hypothesis import strategies as st

from shared.store.engines.sqlite.keys import (
    after_key,
    after_prefix,
    key_of_bytes,
    key_of_path,
    path_of,
)

CONTENTS = st.binary(max_size=6) | st.lists(st.sampled_from([0, 1, 254, 255]), max_size=4).map(
    bytes
)
SEGMENTS = st.text(st.characters(codec="utf-8", exclude_characters="/"), min_size=1, max_size=5)
PATHS = st.lists(SEGMENTS.filter(lambda each: each not in (".", "..")), min_size=1, max_size=4)


@given(CONTENTS, CONTENTS)
def test_keys_sort_as_their_contents(first: bytes, second: bytes) -> None:
    assert (key_of_bytes(first) < key_of_bytes(second)) == (first < second)


@given(CONTENTS, CONTENTS)
def test_no_key_is_the_prefix_of_another(first: bytes, second: bytes) -> None:
    assert key_of_bytes(second).startswith(key_of_bytes(first)) == (first == second)


@given(PATHS)
def test_path_is_found_from_its_key(path: list[str]) -> None:
    assert path_of(key_of_path(path)) == path


@given(PATHS, PATHS)
def test_paths_sort_by_segment_in_utf_8(first: list[str], second: list[str]) -> None:
    in_bytes = [[segment.encode() for segment in path] for path in (first, second)]
    assert (key_of_path(first) < key_of_path(second)) == (in_bytes[0] < in_bytes[1])


@given(st.binary(min_size=1, max_size=4).filter(lambda key: key.strip(b"\xff")), CONTENTS)
def test_range_of_a_prefix_contains_exactly_its_keys(prefix: bytes, key: bytes) -> None:
    assert (prefix <= key < after_prefix(prefix)) == key.startswith(prefix)
    assert prefix <= prefix + key < after_prefix(prefix)


@given(CONTENTS, CONTENTS)
def test_nothing_is_between_a_key_and_the_next(key: bytes, other: bytes) -> None:
    assert key < after_key(key)
    assert not key < other < after_key(key)


@pytest.mark.parametrize("segment", ["", ".", "..", "__a__", "____", "x" * 1501, "é" * 751])
def test_id_that_firestore_rejects_is_invalid(segment: str) -> None:
    with pytest.raises(InvalidArgument):
        key_of_path(["users", segment])


@pytest.mark.parametrize("segment", ["...", "__a", "a__", "x" * 1500, "é" * 750, " ", "\x00"])
def test_id_that_firestore_accepts_is_valid(segment: str) -> None:
    assert path_of(key_of_path(["users", segment])) == ["users", segment]
