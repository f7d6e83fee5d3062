"""Names of users and ids of backups in paths."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.backups.names import new_id, path_segment, time_of

AT = datetime(2026, 11, 27, 15, 0, 1, 7, tzinfo=UTC)
NAMES = st.text(min_size=1, max_size=300) | st.text("aA.%/~", min_size=1, max_size=200)


@given(NAMES, NAMES)
def test_segments_of_different_names_differ_without_case(one: str, other: str) -> None:
    assert (path_segment(one).casefold() == path_segment(other).casefold()) == (one == other)


@given(NAMES)
def test_segment_is_safe(name: str) -> None:
    segment = path_segment(name)
    assert re.fullmatch(r"[a-z0-9_%-][a-z0-9_%.-]{0,149}", segment)


@pytest.mark.parametrize(
    ("name", "segment"),
    [
        ("default", "default"),
        ("Alice", "%41lice"),
        ("a.b@example.com", "a%2eb%40example%2ecom"),
        ("..", "%2e%2e"),
        ("\udcff", "%ed%b3%bf"),
    ],
)
def test_segment_of_name(name: str, segment: str) -> None:
    assert path_segment(name) == segment


def test_long_names_with_equal_beginning_differ() -> None:
    assert path_segment("x" * 1000) != path_segment("x" * 1001)
    assert path_segment("x" * 1000).startswith("x" * 50 + ".")


def test_empty_name_has_no_segment() -> None:
    with pytest.raises(ValueError, match="without a name"):
        path_segment("")


def test_ids_sort_by_time_and_differ() -> None:
    times = [AT + timedelta(microseconds=each) for each in (0, 1, 10, 10**6, 10**11)]
    ids = [new_id(at) for at in times]
    assert ids == sorted(ids)
    assert [time_of(each) for each in ids] == times
    assert new_id(AT) != new_id(AT)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "..",
        "latest",
        "20261127-150001-000007-0123456789AB",
        "20261127-150001-000007-0123456789ab/..",
        "20261327-150001-000007-0123456789ab",
        "20261127-150001-000007-0123456789ab\n",
        "٢0261127-150001-000007-0123456789ab",
    ],
)
def test_other_text_is_not_an_id(text: str) -> None:
    assert time_of(text) is None
