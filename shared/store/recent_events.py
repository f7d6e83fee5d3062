"""A user's newest events in a few bytes, kept in the user's document; pure.

It tells readers who has news, and which events these are, without a query per followed user.
"""

import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self
from uuid import UUID

from shared.timestamps import from_micros, to_micros

MOST = 200
"""How many events are kept; a reader who missed more than these has to query."""

_ENTRY = struct.Struct(">16sqqI")  # 36 bytes: 200 of them are 7 KiB, and decoding is one C call


@dataclass(frozen=True)
class RecentEvent:
    """Where to find one event, without its content."""

    event_id: UUID
    timestamp: datetime
    expiry: datetime
    size_bytes: int
    """Of payload and IV together, so that readers can bound what they hold."""


@dataclass(frozen=True)
class RecentEvents:
    """The newest living events of one user, oldest first.

    Every living event stamped after `complete_since` is among them, and every one at all from
    `older_until` on, when the last of those that did not fit has expired (None: all did fit).
    """

    entries: tuple[RecentEvent, ...] = ()
    complete_since: datetime | None = None
    older_until: datetime | None = None

    def knows_all_after(self, since: datetime, now: datetime) -> bool:
        """Whether a living event stamped after `since` would have to be among the entries."""
        if self.complete_since is None or self.older_until is None:
            return True
        return since >= self.complete_since or now >= self.older_until

    def after(self, since: datetime, now: datetime) -> list[RecentEvent]:
        """Return the entries stamped strictly after `since` that have not expired."""
        return [entry for entry in self.entries if entry.timestamp > since and entry.expiry > now]

    def with_event(self, event: RecentEvent, now: datetime) -> Self:
        """Return what is recent once `event` is the newest; it replaces one of the same id."""
        living = [
            entry
            for entry in self.entries
            if entry.event_id != event.event_id and entry.expiry > now
        ]
        living.append(event)
        dropped, kept = living[:-MOST], living[-MOST:]
        if not dropped:
            return type(self)(tuple(kept), self.complete_since, self.older_until)
        ends = [entry.expiry for entry in dropped]
        if self.older_until is not None:
            ends.append(self.older_until)
        return type(self)(tuple(kept), dropped[-1].timestamp, max(ends))

    def pack(self) -> bytes:
        """Return the entries as bytes, `unpack` reads them again."""
        return b"".join(_packed(self.entries))

    @classmethod
    def unpack(
        cls, packed: bytes, complete_since: datetime | None, older_until: datetime | None
    ) -> Self:
        """Read what `pack` returned, to go with the two instants."""
        return cls(
            tuple(
                RecentEvent(UUID(bytes=event_id), from_micros(stamped), from_micros(expires), size)
                for event_id, stamped, expires, size in _ENTRY.iter_unpack(packed)
            ),
            complete_since,
            older_until,
        )


def _packed(entries: Sequence[RecentEvent]) -> Iterable[bytes]:
    for entry in entries:
        yield _ENTRY.pack(
            entry.event_id.bytes,
            to_micros(entry.timestamp),
            to_micros(entry.expiry),
            entry.size_bytes,
        )


def next_timestamp(last: datetime | None, now: datetime) -> datetime:
    """Return the stamp of a new event: now, but always after the one before.

    Stamps that grow with every put, whatever the instances' clocks say, let a reader ask for
    "after the newest that I have" without ever missing one.
    """
    return now if last is None or now > last else last + timedelta(microseconds=1)
