"""What each request costs in Firestore: documents read, written and deleted, as they are billed.

`tests/shared/store/test_costs.py` counts these on the emulator.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Documents:
    """Documents that are billed."""

    read: float = 0
    written: float = 0
    deleted: float = 0

    def times(self, count: float) -> "Documents":
        """Return what `count` of these are."""
        return Documents(self.read * count, self.written * count, self.deleted * count)

    def __add__(self, other: "Documents") -> "Documents":
        return Documents(
            self.read + other.read, self.written + other.written, self.deleted + other.deleted
        )


CREATE_USER = Documents(written=2)
GET_USER = Documents(read=1)
PUT_USER = Documents(read=1, written=1)
PUT_USER_WITH_PICTURE = Documents(read=1, written=2)
"""With a picture that fits into one part, put for the first time."""

PART_OF_PICTURE = Documents(read=1)
"""What a picture adds where a user is read."""

PUT_EVENT = Documents(read=1, written=2)
FEED_PER_FOLLOWED = Documents(read=2)
"""For each user whom somebody follows, whether there is news or not."""

FEED_PER_NEW_EVENT = Documents(read=1)
PUT_FOLLOW_SECRET = Documents(read=1, written=2)
PUT_INBOX = Documents(written=2)
POST_INBOX_EMPTY = Documents(read=2)
POST_INBOX_PER_MESSAGE = Documents(read=1, deleted=1)
"""Of the first message the read is already paid as that of an empty inbox."""

POST_SHARED_ITEM = Documents(read=1, written=2)
GET_SHARED_ITEM = Documents(read=2)
PLAN = Documents(read=1, written=1)
FIRST_PLAN_IN_HALF_AN_HOUR = Documents(read=2, written=2)
CHAT_MESSAGE = Documents(read=1, written=1)
EXPIRED_DOCUMENT = Documents(read=1, deleted=1)
"""What the cleanup does with one."""
