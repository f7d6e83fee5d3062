"""Byte strings that sort as Firestore sorts names, and the bounds of ranges of them."""

import re

from google.api_core.exceptions import InvalidArgument

_MAX_ID_BYTES = 1500
_RESERVED_ID = re.compile(r"\.\.?|__.*__", re.DOTALL)
_ZERO, _ESCAPED_ZERO, _END = b"\x00", b"\x00\xff", b"\x00\x01"


def key_of_bytes(content: bytes) -> bytes:
    """Return a key that sorts as `content` and is never the prefix of another key."""
    return escaped(content) + _END


def escaped(content: bytes) -> bytes:
    """Return the part of a key that sorts as `content`, without its end."""
    return content.replace(_ZERO, _ESCAPED_ZERO)


def key_of_path(segments: list[str]) -> bytes:
    """Return the key of a path. Paths sort segment by segment, in the order of UTF-8 bytes.

    Raises:
        InvalidArgument: Firestore rejects an id among the segments.
    """
    return b"".join(key_of_bytes(_checked(segment)) for segment in segments)


def path_of(key: bytes) -> list[str]:
    """Return the segments of the path with this key."""
    # An escaped zero byte before 0x01 does not end a segment.
    parts = re.split(rb"\x00\x01", key)
    return [part.replace(_ESCAPED_ZERO, _ZERO).decode() for part in parts[:-1]]


def after_prefix(key: bytes) -> bytes:
    """Return the smallest byte string after all that begin with `key`, which is not all 0xff."""
    kept = key.rstrip(b"\xff")
    return kept[:-1] + bytes([kept[-1] + 1])


def after_key(key: bytes) -> bytes:
    """Return the smallest byte string after `key`."""
    return key + _ZERO


def _checked(segment: str) -> bytes:
    encoded = segment.encode()
    if not 0 < len(encoded) <= _MAX_ID_BYTES or _RESERVED_ID.fullmatch(segment):
        raise InvalidArgument("an id in the path is invalid")
    return encoded
