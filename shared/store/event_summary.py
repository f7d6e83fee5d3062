"""The summary of a user's events in the user's document; pure.

A feed finds the new events of all followed users in these summaries, without a query per user.
"""

import struct
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self
from uuid import UUID

from shared.store.recent_events import ENTRY, REPLACED_BYTES, RecentEvent, RecentEvents
from shared.store.unread_events import LIFETIME, MAX_EXPIRY_DELAY, Unread, is_own_time
from shared.timestamps import from_micros, to_micros

_TIMES = struct.Struct(">16xqq4x")
"""The timestamp and the expiry of an entry."""

_TIME = struct.Struct(">q")


@dataclass(frozen=True)
class EventSummary:
    """The fields of a user's document that describe the user's events."""

    last_event_at: datetime | None
    packed: bytes
    complete_since: datetime | None
    older_until: datetime | None

    @classmethod
    def of(cls, fields: Mapping[str, Any]) -> Self:
        """Read the summary from a document that was read with `EVENT_SUMMARY_FIELDS`."""
        return cls(
            last_event_at=fields.get("last_event_at"),
            packed=fields.get("recent_events") or b"",
            complete_since=fields.get("recent_events_since"),
            older_until=fields.get("older_events_until"),
        )

    def recent(self) -> RecentEvents:
        """Decode the recent events."""
        # On demand: most readers need no entry.
        return RecentEvents.unpack(self.packed, self.complete_since, self.older_until)

    def is_read(self, since: Collection[int]) -> bool:
        """Whether the newest entry alone shows that the readers have all events.

        If not, `unread` decides.
        """
        if not self.packed:
            return True
        dropped = None if self.complete_since is None else to_micros(self.complete_since)
        return all(
            instant != dropped and _is_time_of_newest(self.packed, instant) for instant in since
        )

    def unread(self, since: Collection[int]) -> Unread:
        """Return which events are unread by readers with these times, see `Unread`."""
        times = [*_TIMES.iter_unpack(self.packed)]
        if self.complete_since is not None:
            times.insert(0, (to_micros(self.complete_since), 0))
        return Unread.of(since, times)

    def contains(self, unread: Unread, now: datetime) -> bool:
        """Whether the entries contain every unread event that has not expired."""
        if self.complete_since is None or self.older_until is None or now >= self.older_until:
            return True
        return unread.start >= to_micros(self.complete_since)

    def select(self, unread: Unread, now: datetime) -> list[RecentEvent]:
        """Return the unread entries that have not expired, oldest first."""
        earliest = to_micros(now)
        return [
            RecentEvent(UUID(bytes=event_id), from_micros(timestamp), from_micros(expiry), size)
            for event_id, timestamp, expiry, size in ENTRY.iter_unpack(self.packed)
            if size != REPLACED_BYTES and expiry > earliest and unread.includes(timestamp, expiry)
        ]


def _is_time_of_newest(packed: bytes, since: int) -> bool:
    """Whether `since` is a time of the newest entry, and of no other one."""
    newest = len(packed) - ENTRY.size
    timestamp, expiry = _TIMES.unpack_from(packed, newest)
    if timestamp == since:
        return True
    if not is_own_time(since, expiry):
        return False
    # A search for bytes takes a quarter of the time of decoding the times. The expiries that fit
    # `since` begin with the same 6 bytes, if they do not cross a multiple of 2**16 microseconds.
    first, last = since + LIFETIME, since + LIFETIME + MAX_EXPIRY_DELAY
    if first >> 16 != last >> 16:
        return False
    prefix = _TIME.pack(first)[:6]
    return packed.find(_TIME.pack(since)) < 0 and packed.find(prefix) >= newest
