"""The Firestore documents of each request: read, written and deleted, as they are billed.

`tests/shared/store/test_costs.py` counts them on the emulator.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Documents:
    """Numbers of billed documents."""

    read: float = 0
    written: float = 0
    deleted: float = 0

    def times(self, count: float) -> "Documents":
        """Return the documents of `count` requests."""
        return Documents(self.read * count, self.written * count, self.deleted * count)

    def __add__(self, other: "Documents") -> "Documents":
        return Documents(
            self.read + other.read, self.written + other.written, self.deleted + other.deleted
        )


CREATE_USER = Documents(written=2)
GET_USER = Documents(read=1)
PUT_USER = Documents(read=1, written=1)
PUT_USER_WITH_PICTURE = Documents(read=1, written=2)
"""The first upload of a picture that fits into one document."""

PART_OF_PICTURE = Documents(read=1)
"""Added to each read of a user with a picture of one document."""

PUT_EVENT = Documents(read=1, written=2)
FEED_PER_FOLLOWED = Documents(read=2)
"""For each followed user, even without new events."""

FEED_PER_NEW_EVENT = Documents(read=1)
PUT_FOLLOW_SECRET = Documents(read=1, written=2)
PUT_INBOX = Documents(written=2)
POST_INBOX_EMPTY = Documents(read=2)
POST_INBOX_PER_MESSAGE = Documents(read=1, deleted=1)
"""The query of an inbox bills one read even if it is empty, so the first message adds no read."""

POST_SHARED_ITEM = Documents(read=1, written=2)
GET_SHARED_ITEM = Documents(read=2)
PLAN = Documents(read=1, written=1)
FIRST_PLAN_IN_HALF_AN_HOUR = Documents(read=2, written=2)
"""A plan after the cached purchase has expired."""

CHAT_MESSAGE = Documents(read=1, written=1)
EXPIRED_DOCUMENT = Documents(read=1, deleted=1)
"""The cleanup of one document."""
