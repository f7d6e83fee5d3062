"""The summary of a user's newest events, which the user's document contains; pure.

A feed finds the new events of all followed users in these summaries, without a query per user.
"""

import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Self
from uuid import UUID

from shared.timestamps import from_micros, to_micros

MAX_RECENT_EVENTS = 200
"""A reader that missed more events than these has to query."""

# 36 bytes per event: 200 events take 7 KiB of the 1 MiB of a document, and one C call decodes them.
_ENTRY = struct.Struct(">16sqqI")


@dataclass(frozen=True)
class RecentEvent:
    """The key data of an event, without its content."""

    event_id: UUID
    timestamp: datetime
    expiry: datetime
    size_bytes: int
    """The size of payload and IV. Readers limit the bytes in memory by it."""


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

    def is_complete_after(self, since: datetime, now: datetime) -> bool:
        """Whether the entries contain every unexpired event after `since`."""
        if self.complete_since is None or self.older_until is None:
            return True
        return since >= self.complete_since or now >= self.older_until

    def after(self, since: datetime, now: datetime) -> list[RecentEvent]:
        """Return the unexpired entries with a timestamp strictly after `since`."""
        return [entry for entry in self.entries if entry.timestamp > since and entry.expiry > now]

    def with_event(self, event: RecentEvent, now: datetime) -> Self:
        """Return the events with `event` as the newest. It replaces an event with the same id."""
        live = [
            entry
            for entry in self.entries
            if entry.event_id != event.event_id and entry.expiry > now
        ]
        live.append(event)
        dropped, kept = live[:-MAX_RECENT_EVENTS], live[-MAX_RECENT_EVENTS:]
        if not dropped:
            return type(self)(tuple(kept), self.complete_since, self.older_until)
        expiries = [entry.expiry for entry in dropped]
        if self.older_until is not None:
            expiries.append(self.older_until)
        return type(self)(tuple(kept), dropped[-1].timestamp, max(expiries))

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
                for event_id, stamp, expiry, size in _ENTRY.iter_unpack(packed)
            ),
            complete_since,
            older_until,
        )


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
        # On demand: most readers need only `last_event_at`.
        return RecentEvents.unpack(self.packed, self.complete_since, self.older_until)


def _packed(entries: Sequence[RecentEvent]) -> Iterable[bytes]:
    for entry in entries:
        yield _ENTRY.pack(
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
