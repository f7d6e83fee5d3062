"""The summary of a user's newest events."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from shared.store.recent_events import MAX_RECENT_EVENTS, RecentEvent, RecentEvents, next_timestamp

NOW = datetime(2026, 1, 1, tzinfo=UTC)
LATER = NOW + timedelta(days=90)
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)

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


def test_after_returns_only_later_events() -> None:
    events = recent(3)
    assert events.after(NOW + timedelta(seconds=1), NOW) == [event(2)]


def test_expired_events_are_dropped() -> None:
    short_lived = event(1, expiry=NOW + timedelta(hours=1))
    events = recent(1).with_event(short_lived, NOW)
    assert events.after(LONG_AGO, NOW + timedelta(hours=2)) == [event(0)]
    assert events.with_event(event(2), NOW + timedelta(hours=2)).entries == (event(0), event(2))


def test_replaced_event_becomes_the_newest() -> None:
    again = RecentEvent(UUID(int=0), NOW + timedelta(seconds=9), LATER, 1)
    assert recent(3).with_event(again, NOW).entries == (event(1), event(2), again)


def test_summary_is_complete_up_to_200_events() -> None:
    assert recent(MAX_RECENT_EVENTS).is_complete_after(LONG_AGO, NOW)
    events = recent(MAX_RECENT_EVENTS + 5)
    assert len(events.entries) == MAX_RECENT_EVENTS
    assert events.complete_since == event(4).timestamp
    assert not events.is_complete_after(LONG_AGO, NOW)
    assert not events.is_complete_after(event(3).timestamp, NOW)
    assert events.is_complete_after(event(4).timestamp, NOW)
    assert events.after(event(4).timestamp, NOW) == [
        event(n) for n in range(5, MAX_RECENT_EVENTS + 5)
    ]


def test_summary_is_complete_after_the_dropped_ones_expire() -> None:
    events = RecentEvents()
    soon = NOW + timedelta(days=1)
    for number in range(MAX_RECENT_EVENTS + 3):
        events = events.with_event(event(number, soon if number != 1 else LATER), NOW)
    assert not events.is_complete_after(LONG_AGO, soon)
    assert events.is_complete_after(LONG_AGO, LATER)


def test_timestamps_grow_when_the_clock_does_not() -> None:
    assert next_timestamp(None, NOW) == NOW
    assert next_timestamp(NOW - timedelta(seconds=1), NOW) == NOW
    assert next_timestamp(NOW, NOW) == NOW + timedelta(microseconds=1)
    assert next_timestamp(LATER, NOW) == LATER + timedelta(microseconds=1)
