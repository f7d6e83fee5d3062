"""The summary of a user's newest events."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from shared.store.recent_events import MAX_RECENT_EVENTS, RecentEvent, RecentEvents, next_timestamp

NOW = datetime(2026, 1, 1, tzinfo=UTC)
LATER = NOW + timedelta(days=90)

INSTANTS = st.datetimes(timezones=st.just(UTC))
EVENTS = st.builds(RecentEvent, st.uuids(), INSTANTS, INSTANTS, st.integers(0, 2**32 - 1))


def event(number: int, expiry: datetime = LATER) -> RecentEvent:
    return RecentEvent(UUID(int=number), NOW + timedelta(seconds=number), expiry, 100)


def recent(count: int) -> RecentEvents:
    events = RecentEvents()
    for number in range(count):
        events = events.with_event(event(number), NOW)
    return events


@given(st.lists(EVENTS), st.none() | INSTANTS)
def test_unpack_reverses_pack(entries: list[RecentEvent], instant: datetime | None) -> None:
    events = RecentEvents(tuple(entries), instant, instant)
    assert RecentEvents.unpack(events.pack(), instant, instant) == events


def test_200_events_take_7200_bytes() -> None:
    assert len(recent(200).pack()) == 7200


def test_expired_events_are_dropped() -> None:
    short_lived = event(1, expiry=NOW + timedelta(hours=1))
    events = recent(1).with_event(short_lived, NOW)
    assert events.with_event(event(2), NOW + timedelta(hours=2)).entries == (event(0), event(2))


def test_replaced_event_becomes_the_newest() -> None:
    now = NOW + timedelta(seconds=9)
    again = RecentEvent(UUID(int=0), now, now + timedelta(days=90), 1)
    assert recent(3).with_event(again, NOW).entries == (event(1), event(2), again)


def test_oldest_events_are_dropped_beyond_200() -> None:
    assert recent(MAX_RECENT_EVENTS).complete_since is None
    events = recent(MAX_RECENT_EVENTS + 5)
    assert events.entries == tuple(event(number) for number in range(5, MAX_RECENT_EVENTS + 5))
    assert events.complete_since == event(4).timestamp


def test_latest_expiry_of_dropped_events_is_kept() -> None:
    events = RecentEvents()
    soon = NOW + timedelta(days=1)
    for number in range(MAX_RECENT_EVENTS + 3):
        events = events.with_event(event(number, soon if number != 1 else LATER), NOW)
    assert events.older_until == LATER


def test_timestamps_grow_when_the_clock_does_not() -> None:
    assert next_timestamp(None, NOW) == NOW
    assert next_timestamp(NOW - timedelta(seconds=1), NOW) == NOW
    assert next_timestamp(NOW, NOW) == NOW + timedelta(microseconds=1)
    assert next_timestamp(LATER, NOW) == LATER + timedelta(microseconds=1)
