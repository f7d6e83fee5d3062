"""Field values in JSON: plain where JSON is exact, else an object that names the type."""

import math
from base64 import b64decode, b64encode
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

# Many JSON parsers read numbers as doubles, which are exact up to this integer.
_MAX_EXACT_INTEGER = 2**53 - 1
_MIN_INTEGER, _MAX_INTEGER = -(2**63), 2**63 - 1


def to_json(value: object) -> object:
    """Return the JSON form of a field's value, see `shared.store.documents.decode`.

    Raises:
        TypeError: the format has no values of this type.
    """
    match value:
        case None | bool() | str():
            return value
        case int() if abs(value) <= _MAX_EXACT_INTEGER:
            return value
        case list():
            return [to_json(each) for each in value]
        case _:
            kind, content = _tagged(value)
            return {kind: content}


def _tagged(value: object) -> tuple[str, object]:
    match value:
        case int():
            return "int", str(value)
        case float():
            # JSON has no numbers for infinity and NaN.
            return "double", value if math.isfinite(value) else str(value)
        case bytes():
            return "bytes", b64encode(value).decode()
        case datetime():
            return "timestamp", timestamp(value)
        case dict():
            return "map", fields_to_json(value)
        case _:
            raise TypeError(f"the export format has no {type(value).__name__}")


def fields_to_json(fields: dict[str, Any]) -> dict[str, object]:
    """Return the JSON form of the fields of a document or of a map."""
    # In order: equal documents have equal lines.
    return {name: to_json(value) for name, value in sorted(fields.items())}


def from_json(value: object) -> object:
    """Return the value with this JSON form.

    Raises:
        ValueError: `value` is not in the format.
    """
    match value:
        case None | bool():
            return value
        case str():
            return _valid_text(value)
        case int():
            return _valid_integer(value)
        case list():
            return [from_json(each) for each in value]
        case dict() if len(value) == 1:
            [(kind, content)] = value.items()
            if kind in _READERS:
                return _READERS[kind](content)
    raise ValueError("not a value of the format")


def timestamp(instant: datetime) -> str:
    """Return an instant in the form of RFC 3339, in UTC, with microseconds."""
    return instant.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def fields_from_json(fields: object) -> dict[str, Any]:
    """Return the fields with this JSON form.

    Raises:
        ValueError: `fields` is not in the format.
    """
    if not isinstance(fields, dict):
        raise ValueError("not an object")  # noqa: TRY004 - the caller handles one error
    if "" in fields:
        raise ValueError("a field without a name")
    return {_valid_text(name): from_json(value) for name, value in fields.items()}


def _valid_text(text: object) -> str:
    if not isinstance(text, str):
        raise ValueError("not a text")  # noqa: TRY004
    text.encode()  # fails for half of a surrogate pair, which JSON can contain
    return text


def _valid_integer(number: int) -> int:
    if not _MIN_INTEGER <= number <= _MAX_INTEGER:
        raise ValueError("not an integer of 64 bits")
    return number


def _read_double(content: object) -> float:
    if isinstance(content, float) or content in ("nan", "inf", "-inf"):
        return float(content)
    raise ValueError("not a double")


def _read_timestamp(content: object) -> datetime:
    instant = datetime.fromisoformat(_valid_text(content))
    if instant.tzinfo is None:
        raise ValueError("a timestamp without an offset")
    return instant.astimezone(UTC)


_READERS: dict[str, Callable[[Any], object]] = {
    "int": lambda content: _valid_integer(int(_valid_text(content))),
    "double": _read_double,
    "bytes": lambda content: b64decode(_valid_text(content), validate=True),
    "timestamp": _read_timestamp,
    "map": fields_from_json,
}
