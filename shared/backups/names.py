"""Names of users and ids of backups, as parts of a path."""

import re
import secrets
from datetime import UTC, datetime
from hashlib import sha256

_PLAIN = frozenset(b"abcdefghijklmnopqrstuvwxyz0123456789_-")
_MAX_SEGMENT_CHARACTERS = 120
_HASHED_PREFIX_CHARACTERS = 50

_ID = re.compile(r"(\d{8}-\d{6}-\d{6})-[0-9a-f]{12}", re.ASCII)
_TIME_FORMAT = "%Y%m%d-%H%M%S-%f"
_RANDOM_BYTES = 6


def path_segment(user: str) -> str:
    """Return the name of a user as one segment of a path.

    Different names have different segments, also if a file system ignores case. A segment contains
    only lower-case letters, digits, `_`, `-`, `%` and `.`, and does not begin with a dot.

    Raises:
        ValueError: the name is empty.
    """
    if not user:
        raise ValueError("a user without a name has no folder")
    content = user.encode(errors="surrogatepass")
    encoded = "".join(chr(byte) if byte in _PLAIN else f"%{byte:02x}" for byte in content)
    if len(encoded) <= _MAX_SEGMENT_CHARACTERS:
        return encoded
    # The dot occurs in no other segment.
    return f"{encoded[:_HASHED_PREFIX_CHARACTERS]}.{sha256(content).hexdigest()}"


def new_id(at: datetime) -> str:
    """Return a new id for a backup of this time. Ids sort by time, and are safe in a path."""
    return f"{at.astimezone(UTC).strftime(_TIME_FORMAT)}-{secrets.token_hex(_RANDOM_BYTES)}"


def time_of(backup_id: str) -> datetime | None:
    """Return the time of a backup; None if `backup_id` is not an id."""
    found = _ID.fullmatch(backup_id)
    if found is None:
        return None
    try:
        return datetime.strptime(found[1], _TIME_FORMAT).replace(tzinfo=UTC)
    except ValueError:
        return None
