"""Random ids, values and fields: few of each kind, so that they meet, and all the odd ones."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from google.cloud.firestore_v1 import DELETE_FIELD
from hypothesis import strategies as st

from tests.shared.store.engines.differential.model import DRAFTS, ENTRIES, ITEMS, PEOPLE

Made = TypeVar("Made")

_NOON = datetime(2026, 11, 27, 12, tzinfo=UTC)
_LONG = 1500

# Characters at the borders of UTF-8 and UTF-16, and before the slash that separates ids.
IDS = (
    "a",
    "a-",
    "a.b",
    "B",
    "é",
    "\ue000",
    "\U0001d4b3",
    "\uffff",
    "a\x00",
    "a\x00\x01",
    " ",
    "...",
)
ODD_IDS = (*IDS, "z" * _LONG, "__x", "x__", "%2F", "`", "\\", "\n", "a b", "0", "10", "9")
INVALID_IDS = (".", "..", "__x__", "__\n__")
USER_IDS = ("u", "u-", "u\x00", "\U0001d4b3", "\uffff")

NUMBERS = (
    0, 1, -1, 0.0, -0.0, 1.0, 1.5, -1.5, 5e-324, 1e308, 2**53 - 1, 2**53, 2**53 + 1, float(2**53),
    2**63 - 1, -(2**63), float(2**63), float("inf"), float("-inf"),
)  # fmt: skip
TIMES = (
    _NOON, _NOON + timedelta(microseconds=1), datetime(1969, 12, 31, 23, 59, 59, 999999, UTC),
    datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, 999999, UTC),
)  # fmt: skip
TEXTS = (
    "", "a", "a\x00", "a\x00b", "a\x01", "ab", "B", "é", "\ue000", "\uffff", "\U0001d4b3",
    "s" * (_LONG - 1), "s" * _LONG, "s" * _LONG + "t", "s" * 2 * _LONG,
)  # fmt: skip
BYTES = (
    b"", b"\x00", b"\x00\x01", b"\x00\xff", b"\x01", b"\xff", b"\xff\xff", b"a", b"s" * (_LONG + 1)
)  # fmt: skip
NESTED: tuple[object, ...] = (
    [], [None], [1], [1.0], [1, 2], ["a"], [{"a": [1]}], ["s" * _LONG, 1], ["s" * _LONG, 2],
    {}, {"a": 1}, {"a": 1.0}, {"a": 1, "b": 2}, {"b": 1}, {"a": {}}, {"é": 1}, {"\ue000": 1},
    {"\U0001d4b3": 1}, {"a": "s" * _LONG, "b": 1},
)  # fmt: skip
COMPARED: tuple[object, ...] = (False, True, *NUMBERS, *TIMES, *TEXTS, *BYTES, *NESTED)
VALUES = (None, float("nan"), *COMPARED)
# Few values, so that documents have equal ones.
FREQUENT: tuple[object, ...] = (
    0, -0.0, 1, 1.0, 2**53, 2**53 + 1, float(2**53), True, _NOON, "a", "\ue000", "\U0001d4b3",
)  # fmt: skip

FIELDS = ("n", "expiry", "note", "m", "a.b", "é", "x y", "`")
_KEYS = ("a", "b", "a.b", "é", "`")
# Top-level fields, fields of maps, and names that need quotes.
PATHS = ("n", "expiry", "note", "m", "m.a", "m.b", "m.b.a", "m.`a.b`", "`a.b`", "`é`.a")


def pick(options: Sequence[Made]) -> st.SearchStrategy[Made]:
    """Return one of `options`. `sampled_from` would build a text of all of them."""
    return st.integers(0, len(options) - 1).map(options.__getitem__)


def values() -> st.SearchStrategy[Any]:
    """Return values; equal ones often."""
    return pick(VALUES) | pick(FREQUENT)


def compared_values() -> st.SearchStrategy[Any]:
    """Return values for filters. The client library turns NaN and None into other filters."""
    return pick(COMPARED) | pick(FREQUENT)


def maps(*, with_deletes: bool = False) -> st.SearchStrategy[dict[str, Any]]:
    """Return nested maps."""
    leaves = values()
    if with_deletes:
        leaves |= st.just(DELETE_FIELD)
    inner = st.dictionaries(st.sampled_from(_KEYS), leaves, max_size=3)
    return st.dictionaries(st.sampled_from(_KEYS), leaves | inner, max_size=3)


def documents(*, with_deletes: bool = False) -> st.SearchStrategy[dict[str, Any]]:
    """Return the fields of documents."""
    simple = st.dictionaries(st.sampled_from(FIELDS), values(), max_size=4)
    leaves = maps(with_deletes=with_deletes)
    indexed = st.fixed_dictionaries({"n": values(), "expiry": values()})
    nested = st.fixed_dictionaries({"m": leaves}, optional={"n": values()})
    return simple | indexed | nested


def updates() -> st.SearchStrategy[dict[str, Any]]:
    """Return field paths with new values."""
    leaves = values() | st.just(DELETE_FIELD) | maps()
    return st.dictionaries(st.sampled_from(PATHS), leaves, min_size=1, max_size=4).map(
        _without_conflicts
    )


def _without_conflicts(update: dict[str, Any]) -> dict[str, Any]:
    """Return `update` without the paths inside others. The client library rejects those."""
    return {
        path: value
        for path, value in update.items()
        if not any(path.startswith(f"{other}.") for other in update)
    }


def places(make: Callable[..., Made], *, odd: bool = True) -> st.SearchStrategy[Made]:
    """Return places of documents, built by `make` from a collection, a user and an id.

    Args:
        make: builds a place.
        odd: also return places with odd and invalid ids.
    """
    ids, users = st.sampled_from(IDS), st.sampled_from(USER_IDS)
    usual = (
        st.builds(make, st.just(ITEMS), st.just(""), ids)
        | st.builds(make, st.sampled_from((ENTRIES, DRAFTS)), users, st.sampled_from(IDS[:6]))
        | st.builds(make, st.just(PEOPLE), st.just(""), users)
    )
    if not odd:
        return usual
    return usual | st.builds(make, st.just(ITEMS), st.just(""), pick((*ODD_IDS, *INVALID_IDS)))
