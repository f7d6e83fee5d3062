"""Keys of field values: byte strings that sort as Firestore sorts values.

Source: https://firebase.google.com/docs/firestore/manage-data/data-types#value_type_ordering
"""

import math
import struct
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from shared.store.engines.sqlite.keys import key_of_bytes

if TYPE_CHECKING:
    from google.protobuf.message import Message

# The first byte of a key orders the types. Zero ends a list or a map, so it sorts first.
_END = b"\x00"
_NULL, _BOOLEAN, _NUMBER, _TIMESTAMP, _STRING, _BYTES, _ARRAY, _MAP = (
    bytes([number]) for number in range(1, 9)
)
_MAP_ENTRY = b"\x01"
_SIGN_BIT = 1 << 63
_ALL_BITS = (1 << 64) - 1
_REMAINDER_OFFSET = 1 << 15
_NAN_KEY = _NUMBER + bytes(10)


def key_of_value(value: "Message") -> bytes:
    """Return the key of a value. No key is a prefix of another one.

    Raises:
        NotImplementedError: the data model does not use values of this type in an index.
    """
    kind = value.WhichOneof("value_type")
    if kind not in _KEYS:
        raise NotImplementedError(f"the embedded database does not support an index of a {kind}")
    return _KEYS[kind](getattr(value, kind))


def type_prefix(key: bytes) -> bytes:
    """Return the prefix that the keys of all values of the same type have."""
    return key[:1]


def _key_of_number(number: float) -> bytes:
    """Return one key for equal integers and doubles. NaN sorts first."""
    if math.isnan(number):
        return _NAN_KEY
    nearest = float(number) + 0.0  # turns -0.0 into 0.0
    (bits,) = struct.unpack(">Q", struct.pack(">d", nearest))
    # IEEE 754: positive doubles sort as their bits. Negative ones sort in reverse.
    ordered = bits ^ _ALL_BITS if bits & _SIGN_BIT else bits | _SIGN_BIT
    # An integer above 2^53 may have no equal double. The remainder is what the double lacks.
    remainder = number - int(nearest) if isinstance(number, int) else 0
    return _NUMBER + struct.pack(">QH", ordered, remainder + _REMAINDER_OFFSET)


def _key_of_map(fields: "Message") -> bytes:
    return b"".join(
        _MAP_ENTRY + key_of_bytes(name) + key_of_value(value)
        for name, value in sorted((name.encode(), value) for name, value in fields.items())
    )


_KEYS: dict[str, Callable[[Any], bytes]] = {
    "null_value": lambda _null: _NULL,
    "boolean_value": lambda boolean: _BOOLEAN + bytes([boolean]),
    "integer_value": _key_of_number,
    "double_value": _key_of_number,
    "timestamp_value": lambda instant: (
        _TIMESTAMP + struct.pack(">QI", instant.seconds + _SIGN_BIT, instant.nanos)
    ),
    "string_value": lambda text: _STRING + key_of_bytes(text.encode()),
    "bytes_value": lambda content: _BYTES + key_of_bytes(content),
    "array_value": lambda array: _ARRAY + b"".join(map(key_of_value, array.values)) + _END,
    "map_value": lambda each: _MAP + _key_of_map(each.fields) + _END,
}
