"""Firestore's limits of a document: its size, the names of its fields, and their values.

Source: https://firebase.google.com/docs/firestore/quotas#limits and
https://firebase.google.com/docs/firestore/storage-size
"""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from google.api_core.exceptions import InvalidArgument

if TYPE_CHECKING:
    from google.protobuf.message import Message

_MAX_DOCUMENT_BYTES = 1024 * 1024
_MAX_VALUE_BYTES = _MAX_DOCUMENT_BYTES - 89
_MAX_FIELD_NAME_BYTES = 1500
_MAX_DEPTH = 20
_RESERVED_FIELD = re.compile(r"__.+__", re.DOTALL)
_FIXED_BYTES = {"null_value": 1, "boolean_value": 1, "geo_point_value": 16}
_NUMBER_BYTES = 8


def check_limits(path: Sequence[str], fields: "Message") -> None:
    """Check the fields of the document at `path`.

    Raises:
        InvalidArgument: Firestore rejects the document.
    """
    name_bytes = 16 + sum(_text_bytes(segment) for segment in path)
    if name_bytes + 32 + _fields_bytes(fields, depth=0) > _MAX_DOCUMENT_BYTES:
        raise InvalidArgument("the document is larger than 1 MiB")


def _fields_bytes(fields: "Message", depth: int) -> int:
    if depth > _MAX_DEPTH:
        raise InvalidArgument("a map is nested too deeply")
    return sum(
        _field_name_bytes(name) + _value_bytes(value, depth) for name, value in fields.items()
    )


def _field_name_bytes(name: str) -> int:
    size = _text_bytes(name)
    if size - 1 > _MAX_FIELD_NAME_BYTES or _RESERVED_FIELD.fullmatch(name):
        raise InvalidArgument("the name of a field is too long or reserved")
    return size


def _value_bytes(value: "Message", depth: int) -> int:
    match kind := value.WhichOneof("value_type"):
        case "string_value":
            return _checked(_text_bytes(value.string_value) - 1) + 1
        case "bytes_value":
            return _checked(len(value.bytes_value))
        case "array_value":
            if any(each.HasField("array_value") for each in value.array_value.values):
                raise InvalidArgument("a list contains a list")
            return sum(_value_bytes(each, depth) for each in value.array_value.values) or 1
        case "map_value":
            return _fields_bytes(value.map_value.fields, depth + 1) or 1
        case _:
            return _FIXED_BYTES.get(str(kind), _NUMBER_BYTES)


def _checked(size: int) -> int:
    if size > _MAX_VALUE_BYTES:
        raise InvalidArgument("the value of a field is too long")
    return size


def _text_bytes(text: str) -> int:
    return len(text.encode()) + 1
