"""Keys of values, in the order of Firestore."""

import itertools
import math
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from google.cloud.firestore_v1._helpers import GeoPoint, encode_value
from google.cloud.firestore_v1.types import Value
from hypothesis import given
from hypothesis import strategies as st

from shared.store.engines.sqlite.values import key_of_value

NOW = datetime(2026, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
IN_ORDER: list[Any] = [
    None,
    False,
    True,
    math.nan,
    -math.inf,
    -1.5,
    -1,
    -5e-324,
    0,
    5e-324,
    0.5,
    1,
    2**53,
    2**53 + 1,
    2.0**53 + 2,
    2**63 - 1,
    2.0**63,
    math.inf,
    datetime.min.replace(tzinfo=UTC),
    datetime(1969, 12, 31, 23, 59, 59, 999_999, UTC),
    datetime(1970, 1, 1, tzinfo=UTC),
    NOW - MICROSECOND,
    NOW,
    NOW + MICROSECOND,
    "",
    "\x00",
    "A",
    "a",
    "a\x00",
    "aa",
    "é",
    "\uffff",
    "😀",
    b"",
    b"\x00",
    b"\x00\xff",
    b"\x01",
    b"\xff",
    [],
    [None],
    [1],
    [1, 2],
    [2],
    ["a"],
    {},
    {"a": 1},
    {"a": 1, "b": 0},
    {"a": 2},
    {"b": 0},
]


def key(value: object) -> bytes:
    return key_of_value(Value.pb(encode_value(value)))


def test_keys_have_the_order_of_firestore() -> None:
    keys = [key(value) for value in IN_ORDER]
    assert keys == sorted(keys)
    assert len({*keys}) == len(keys)


def test_no_key_is_the_prefix_of_another() -> None:
    for first, second in itertools.permutations(map(key, IN_ORDER), 2):
        assert not second.startswith(first)


@pytest.mark.parametrize(("first", "second"), [(1, 1.0), (0.0, -0.0), (2**53, 2.0**53)])
def test_equal_numbers_have_one_key(first: float, second: float) -> None:
    assert key(first) == key(second)


@given(st.integers(-(2**63), 2**63 - 1), st.floats(allow_nan=False))
def test_integers_and_doubles_are_compared_exactly(integer: int, double: float) -> None:
    assert (key(integer) < key(double)) == (integer < double)
    assert (key(integer) == key(double)) == (integer == double)


@given(st.integers(-(2**63), 2**63 - 1), st.integers(-4, 4))
def test_large_integers_are_compared_exactly(integer: int, difference: int) -> None:
    other = min(max(integer + difference, -(2**63)), 2**63 - 1)
    assert (key(integer) < key(other)) == (integer < other)


@given(st.datetimes(timezones=st.just(UTC)), st.datetimes(timezones=st.just(UTC)))
def test_instants_are_in_order_of_time(first: datetime, second: datetime) -> None:
    assert (key(first) < key(second)) == (first < second)


def test_unsupported_type_is_named() -> None:
    with pytest.raises(NotImplementedError, match="geo_point_value"):
        key(GeoPoint(1, 2))
