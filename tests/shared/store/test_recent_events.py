"""The list of a user's newest events, which is pure."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from shared.store.recent_events import MOST, RecentEvent, RecentEvents, next_timestamp

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
def test_what_is_packed_is_what_is_unpacked(
    entries: list[RecentEvent], instant: datetime | None
) -> None:
    events = RecentEvents(tuple(entries), instant, instant)
    assert RecentEvents.unpack(events.pack(), instant, instant) == events


def test_200_events_take_7200_bytes() -> None:
    assert len(recent(200).pack()) == 7200


def test_events_after_an_instant_are_strictly_after_it() -> None:
    events = recent(3)
    assert events.after(NOW + timedelta(seconds=1), NOW) == [event(2)]


def test_expired_events_are_not_shown_and_make_way() -> None:
    short_lived = event(1, expiry=NOW + timedelta(hours=1))
    events = recent(1).with_event(short_lived, NOW)
    assert events.after(LONG_AGO, NOW + timedelta(hours=2)) == [event(0)]
    assert events.with_event(event(2), NOW + timedelta(hours=2)).entries == (event(0), event(2))


def test_an_event_put_again_is_the_newest_and_not_there_twice() -> None:
    again = RecentEvent(UUID(int=0), NOW + timedelta(seconds=9), LATER, 1)
    assert recent(3).with_event(again, NOW).entries == (event(1), event(2), again)


def test_every_living_event_is_known_until_there_are_more_than_fit() -> None:
    assert recent(MOST).knows_all_after(LONG_AGO, NOW)
    events = recent(MOST + 5)
    assert len(events.entries) == MOST
    assert events.complete_since == event(4).timestamp
    assert not events.knows_all_after(LONG_AGO, NOW)
    assert not events.knows_all_after(event(3).timestamp, NOW)
    assert events.knows_all_after(event(4).timestamp, NOW)
    assert events.after(event(4).timestamp, NOW) == [event(n) for n in range(5, MOST + 5)]


def test_older_events_are_of_no_matter_once_the_last_of_them_has_expired() -> None:
    events = RecentEvents()
    soon = NOW + timedelta(days=1)
    for number in range(MOST + 3):
        events = events.with_event(event(number, soon if number != 1 else LATER), NOW)
    assert not events.knows_all_after(LONG_AGO, soon)
    assert events.knows_all_after(LONG_AGO, LATER)


def test_timestamps_grow_even_when_the_clock_does_not() -> None:
    assert next_timestamp(None, NOW) == NOW
    assert next_timestamp(NOW - timedelta(seconds=1), NOW) == NOW
    assert next_timestamp(NOW, NOW) == NOW + timedelta(microseconds=1)
    assert next_timestamp(LATER, NOW) == LATER + timedelta(microseconds=1)
