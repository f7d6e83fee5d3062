"""Public ids: UUIDs of users, and the short CUID2 ids of lookups and shared items."""

import re
from uuid import UUID

from cuid2 import Cuid

SHORT_ID_LENGTH = 12

# CUID2 ids begin with a letter and contain only lower-case letters and digits.
_SHORT_ID = re.compile(rf"[a-z][0-9a-z]{{{SHORT_ID_LENGTH - 1}}}", re.ASCII)
_generator = Cuid(length=SHORT_ID_LENGTH)


def new_short_id() -> str:
    """Return a new CUID2 of 12 characters, for a lookup or a shared item."""
    return _generator.generate()


def is_short_id(text: str) -> bool:
    """Whether `text` has the format of a lookup or of a shared item's id."""
    return _SHORT_ID.fullmatch(text) is not None


def parse_uuid(text: str) -> UUID | None:
    """Parse a UUID in any of its usual spellings; None if `text` is not a UUID."""
    try:
        return UUID(text)
    except ValueError:
        return None
