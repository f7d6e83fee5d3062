"""The rule that finds the events of an author that a reader does not have; pure.

A reader sends a time, `since`, which is one of these:

- The timestamp of an event, by the server's clock. The reader has that event and all before it.
- The own time of an event, by the author's clock, which may be wrong. Today's app sends it. The
  server does not receive own times, but the app sets an event's expiry in the same statement, 90
  days later. So the reader has the event whose expiry minus 90 days is `since` or just after it.
- Another time, or the time of an event that has expired or was replaced. Then an event is unread if
  its timestamp is later, or its own time. An own time counts if the error of the clock is small.

All times of this module are microseconds since 1970.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Self

_MICROSECOND = timedelta(microseconds=1)

LIFETIME = timedelta(days=90) // _MICROSECOND
"""The app sets an event's expiry this long after the event's own time."""

MAX_EXPIRY_DELAY = timedelta(milliseconds=5) // _MICROSECOND
"""The app reads its clock twice: for the own time, which may be cut to a millisecond, then for the
expiry."""

MAX_CLOCK_ERROR = timedelta(days=3) // _MICROSECOND
"""If an expiry would mean a larger error of the author's clock, it is not used as an own time."""

_NEVER = 2**63 - 1


def own_time(expiry: int) -> int:
    """Return the event's own time, by the author's clock, up to 5 ms late."""
    return expiry - LIFETIME


def is_own_time(since: int, expiry: int) -> bool:
    """Whether `since` is the own time of the event with this expiry."""
    return 0 <= own_time(expiry) - since <= MAX_EXPIRY_DELAY


@dataclass(frozen=True)
class Unread:
    """The events of one author that at least one of the readers does not have."""

    after_timestamp: int = _NEVER
    """The timestamp of the newest event that a reader has. All later ones are unread."""

    since: int = _NEVER
    """The `since` of a reader whose newest event is unknown."""

    @classmethod
    def of(cls, since: Iterable[int], times: Iterable[tuple[int, int]]) -> Self:
        """Apply the rule to the `since` of each reader.

        Args:
            since: one time per reader.
            times: timestamp and expiry of the events, oldest first.
        """
        events = list(times)
        found = {instant: _newest_read(instant, events) for instant in since}
        known = [timestamp for timestamp in found.values() if timestamp is not None]
        unknown = [instant for instant, timestamp in found.items() if timestamp is None]
        return cls(min(known, default=_NEVER), min(unknown, default=_NEVER))

    def includes(self, timestamp: int, expiry: int) -> bool:
        """Whether an event is unread."""
        if timestamp > self.after_timestamp or timestamp > self.since:
            return True
        return self.since < own_time(expiry) <= timestamp + MAX_CLOCK_ERROR

    def following(self, timestamp: int, expiry: int) -> Self:
        """Return what is unread among the events after this one, in the order of timestamps."""
        if timestamp == self.since or is_own_time(self.since, expiry):
            return type(self)(min(timestamp, self.after_timestamp))
        return self

    @property
    def split(self) -> int:
        """Every event with a later timestamp is unread."""
        return min(self.after_timestamp, self.since)

    @property
    def start(self) -> int:
        """No event with this timestamp or an earlier one is unread."""
        return min(self.after_timestamp, self.since - MAX_CLOCK_ERROR)


def _newest_read(since: int, events: Iterable[tuple[int, int]]) -> int | None:
    """Return the timestamp of the event that a reader has; None if it is unknown."""
    first: int | None = None
    for timestamp, expiry in events:
        if timestamp == since:
            return timestamp
        # The first of several. The reader may lack the others, which then are not lost.
        if first is None and is_own_time(since, expiry):
            first = timestamp
    return first
