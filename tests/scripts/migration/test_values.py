"""Field values in JSON."""

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scripts.migration.values import fields_from_json, fields_to_json, from_json, to_json

_CHARACTERS = st.characters(exclude_categories=["Cs"])
_TEXTS, _NAMES = st.text(_CHARACTERS), st.text(_CHARACTERS, min_size=1)
_SINGLE = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False)
    | _TEXTS
    | st.binary()
    | st.datetimes(timezones=st.just(UTC)).map(lambda instant: instant.replace(fold=0))
)
VALUES = st.recursive(
    _SINGLE, lambda inner: st.lists(inner) | st.dictionaries(_NAMES, inner), max_leaves=20
)


@given(st.dictionaries(_NAMES, VALUES))
def test_values_survive_a_round_trip(fields: dict[str, Any]) -> None:
    text = json.dumps(fields_to_json(fields), allow_nan=False)
    read = fields_from_json(json.loads(text))
    assert read == fields
    assert repr(read) == repr(_sorted(fields))  # 1, 1.0 and True are equal


def _sorted(value: Any) -> Any:
    """Return maps in the order of an export."""
    if isinstance(value, dict):
        return {name: _sorted(each) for name, each in sorted(value.items())}
    return [_sorted(each) for each in value] if isinstance(value, list) else value


@pytest.mark.parametrize(
    ("value", "form"),
    [
        (None, None),
        (True, True),
        ("text", "text"),
        (2**53 - 1, 9007199254740991),
        (2**53, {"int": "9007199254740992"}),
        (-(2**63), {"int": "-9223372036854775808"}),
        (1.0, {"double": 1.0}),
        (-0.0, {"double": -0.0}),
        (float("inf"), {"double": "inf"}),
        (b"\x00\xff", {"bytes": "AP8="}),
        (datetime(1, 1, 1, tzinfo=UTC), {"timestamp": "0001-01-01T00:00:00.000000Z"}),
        (
            datetime(2026, 11, 27, 1, 2, 3, 4, timezone(timedelta(hours=2))),
            {"timestamp": "2026-11-26T23:02:03.000004Z"},
        ),
        ([[1], {}], [[1], {"map": {}}]),
        ({"b": b"", "a": 1}, {"map": {"a": 1, "b": {"bytes": ""}}}),
    ],
    ids=str,
)
def test_value_has_its_documented_form(value: object, form: object) -> None:
    assert json.dumps(to_json(value)) == json.dumps(form)
    assert from_json(form) == value


def test_nan_survives_a_round_trip() -> None:
    assert to_json(float("nan")) == {"double": "nan"}
    assert repr(from_json({"double": "nan"})) == "nan"


@pytest.mark.parametrize(
    "form",
    [
        1.5,
        2**63,
        {},
        {"map": 1},
        {"map": {}, "int": "1"},
        {"other": 1},
        {"map": {"": 1}},
        {"int": 1},
        {"int": "9223372036854775808"},
        {"int": "x"},
        {"double": 1},
        {"double": "1"},
        {"double": True},
        {"bytes": "a"},
        {"bytes": "*AP8="},
        {"timestamp": "2026-11-27T01:02:03"},
        {"timestamp": "yesterday"},
        {"timestamp": 0},
        "\ud800",
        [{"map": {"\ud800": 1}}],
    ],
    ids=ascii,
)
def test_other_form_is_rejected(form: object) -> None:
    with pytest.raises(ValueError, match=r"."):
        from_json(form)


def test_value_of_another_type_is_rejected() -> None:
    with pytest.raises(TypeError, match="the export format has no tuple"):
        to_json((1, 2))
