"""Keys of field values: byte strings that sort as Firestore sorts values.

Source: https://firebase.google.com/docs/firestore/manage-data/data-types#value_type_ordering
"""

import math
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from google.api_core.exceptions import InvalidArgument

from shared.store.engines.sqlite.keys import after_prefix, escaped, key_of_bytes
from shared.store.engines.sqlite.support import unsupported

if TYPE_CHECKING:
    from google.protobuf.message import Message

MAX_INDEXED_BYTES = 1500
"""Firestore's limit of a value in an index. The rest of a longer value is not indexed."""

# The first byte of a key orders the types. Zero ends a list or a map, so it sorts first.
_END = b"\x00"
_NULL, _BOOLEAN, _NUMBER, _TIMESTAMP, _STRING, _BYTES, _ARRAY, _MAP = (
    bytes([number]) for number in range(1, 9)
)
_MAP_ENTRY = b"\x01"
# Ends the key of a longer value, and sorts after each other end.
_CUT = b"\xff"
_SIGN_BIT = 1 << 63
_ALL_BITS = (1 << 64) - 1
_REMAINDER_OFFSET = 1 << 15
_NAN_KEY = _NUMBER + bytes(10)


@dataclass(frozen=True)
class _Part:
    """A part of a key. A content may be cut, and counts `size` bytes more than its length."""

    size: int
    key: bytes = b""
    content: bytes | None = None


def key_of_value(value: "Message") -> bytes:
    """Return the key of a value. No key is a prefix of another one.

    Raises:
        NotImplementedError: the data model does not use values of this type in an index.
    """
    return _key(value)[0]


def key_of_filter(value: "Message") -> bytes:
    """Return the key of a value that a query compares with.

    Raises:
        InvalidArgument: the value is longer than the indexed part of values.
        NotImplementedError: see `key_of_value`.
    """
    key, is_cut = _key(value)
    if is_cut:
        raise InvalidArgument("a value is too long for a filter")
    return key


def keys_of_type(key: bytes) -> tuple[bytes, bytes]:
    """Return the first key of the values that compare with the value of `key`, and their end."""
    kind = key[:1]
    # A range of numbers does not match NaN.
    return after_prefix(_NAN_KEY) if kind == _NUMBER else kind, after_prefix(kind)


def _key(value: "Message") -> tuple[bytes, bool]:
    """Return the key of a value, and whether it is cut."""
    key, room = b"", MAX_INDEXED_BYTES
    for part in _parts(value):
        content = part.content or b""
        size = part.size + len(content)
        if size > room:
            return key + part.key + escaped(content[: max(0, room - part.size)]) + _CUT, True
        key += part.key if part.content is None else part.key + key_of_bytes(content)
        room -= size
    return key, False


def _parts(value: "Message") -> Iterator[_Part]:
    kind = value.WhichOneof("value_type")
    if kind == "array_value":
        yield _Part(0, _ARRAY)
        for each in value.array_value.values:
            yield from _parts(each)
        yield _Part(0, _END)
    elif kind == "map_value":
        yield _Part(0, _MAP)
        fields = value.map_value.fields
        for name, each in sorted((name.encode(), each) for name, each in fields.items()):
            yield _Part(1, _MAP_ENTRY, name)
            yield from _parts(each)
        yield _Part(0, _END)
    elif kind in _SIMPLE:
        yield _SIMPLE[kind](getattr(value, kind))
    else:
        raise unsupported(f"an index of a {kind}")


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


# The sizes are those of Firestore: https://firebase.google.com/docs/firestore/storage-size
_SIMPLE: dict[str, Callable[[Any], _Part]] = {
    "null_value": lambda _null: _Part(1, _NULL),
    "boolean_value": lambda boolean: _Part(1, _BOOLEAN + bytes([boolean])),
    "integer_value": lambda number: _Part(8, _key_of_number(number)),
    "double_value": lambda number: _Part(8, _key_of_number(number)),
    "timestamp_value": lambda instant: _Part(
        8, _TIMESTAMP + struct.pack(">QI", instant.seconds + _SIGN_BIT, instant.nanos)
    ),
    "string_value": lambda text: _Part(1, _STRING, text.encode()),
    "bytes_value": lambda content: _Part(0, _BYTES, content),
}
