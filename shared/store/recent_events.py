"""A user's newest events, of which the user's document contains a summary; pure."""

import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Self
from uuid import UUID

from shared.store.unread_events import MAX_CLOCK_ERROR, MAX_EXPIRY_DELAY, own_time
from shared.timestamps import from_micros, to_micros

MAX_RECENT_EVENTS = 200
"""A reader that missed more events than these has to query."""

# 36 bytes per event: 200 events take 7 KiB of the 1 MiB of a document, and one C call decodes them.
ENTRY = struct.Struct(">16sqqI")
REPLACED_BYTES = 0


@dataclass(frozen=True)
class RecentEvent:
    """The key data of an event, without its content."""

    event_id: UUID
    timestamp: datetime
    expiry: datetime
    size_bytes: int
    """The size of payload and IV. Readers limit the bytes in memory by it.

    0: a later event with the same id has replaced this one, see `RecentEvents.with_event`.
    """

    @property
    def is_replaced(self) -> bool:
        """Whether the event exists no longer."""
        return self.size_bytes == REPLACED_BYTES


@dataclass(frozen=True)
class RecentEvents:
    """The newest events of a user that have not expired, oldest first."""

    entries: tuple[RecentEvent, ...] = ()

    complete_since: datetime | None = None
    """The entries contain every unexpired event after this timestamp. None: every event."""

    older_until: datetime | None = None
    """The latest expiry of the dropped events. From then on, the entries are complete.

    None: no event was dropped.
    """

    def with_event(self, event: RecentEvent, now: datetime) -> Self:
        """Return the events with `event` as the newest. It replaces an event with the same id.

        The times of the replaced event are kept if its readers could miss events otherwise: they
        send its own time. If the author's clock was fast, the next events may be earlier than that
        by both clocks. Or `event` may have the same own time.
        """
        live = [entry for entry in self._replaced_by(event) if entry.expiry > now]
        live.append(event)
        dropped, kept = live[:-MAX_RECENT_EVENTS], live[-MAX_RECENT_EVENTS:]
        if not dropped:
            return type(self)(tuple(kept), self.complete_since, self.older_until)
        expiries = [entry.expiry for entry in dropped]
        if self.older_until is not None:
            expiries.append(self.older_until)
        return type(self)(tuple(kept), dropped[-1].timestamp, max(expiries))

    def _replaced_by(self, event: RecentEvent) -> Iterator[RecentEvent]:
        kept = set[datetime]()
        for entry, following in pairwise((*self.entries, event)):
            if entry.event_id != event.event_id:
                yield entry
            elif entry.is_replaced:
                kept.add(entry.expiry)
                yield entry
            elif entry.expiry not in kept and _may_hide(entry, following, event):
                yield replace(entry, size_bytes=REPLACED_BYTES)

    def pack(self) -> bytes:
        """Return the entries as bytes, for `unpack`."""
        return b"".join(_packed(self.entries))

    @classmethod
    def unpack(
        cls, packed: bytes, complete_since: datetime | None, older_until: datetime | None
    ) -> Self:
        """Return the events with the entries that `pack` returned."""
        return cls(
            tuple(
                RecentEvent(UUID(bytes=event_id), from_micros(stamp), from_micros(expiry), size)
                for event_id, stamp, expiry, size in ENTRY.iter_unpack(packed)
            ),
            complete_since,
            older_until,
        )


def _may_hide(entry: RecentEvent, following: RecentEvent, event: RecentEvent) -> bool:
    """Whether a reader that sends the own time of `entry` may miss the next event or `event`."""
    own = own_time(to_micros(entry.expiry))
    if abs(own - to_micros(entry.timestamp)) > MAX_CLOCK_ERROR:
        return False
    is_same = abs(own_time(to_micros(event.expiry)) - own) <= MAX_EXPIRY_DELAY
    return is_same or own >= to_micros(following.timestamp)


def _packed(entries: Sequence[RecentEvent]) -> Iterable[bytes]:
    for entry in entries:
        yield ENTRY.pack(
            entry.event_id.bytes,
            to_micros(entry.timestamp),
            to_micros(entry.expiry),
            entry.size_bytes,
        )


def next_timestamp(last: datetime | None, now: datetime) -> datetime:
    """Return the timestamp of a new event: `now`, but always after the last event.

    A reader asks for the events after the newest one that it has. It misses none, because
    timestamps only grow, even if the clocks of two instances differ.
    """
    return now if last is None or now > last else last + timedelta(microseconds=1)
