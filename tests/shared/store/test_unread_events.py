"""The rule of unread events."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given, settings

from shared.store.event_summary import EventSummary
from shared.store.recent_events import MAX_RECENT_EVENTS, RecentEvent, RecentEvents
from shared.timestamps import to_micros
from tests.shared.store.author_clocks import (
    CHANGING,
    CONSTANT,
    CORRECT,
    LIFETIME,
    Author,
    Step,
    followers,
    steps,
)

NOW = datetime(2026, 1, 1, tzinfo=UTC)
MS = timedelta(milliseconds=1)
US = timedelta(microseconds=1)
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)

FAST, SLOW, CORRECT_CLOCK = 10 * MINUTE, -10 * MINUTE, -1 * timedelta(seconds=1)


def event(number: int, error: timedelta, delay: timedelta = MS) -> RecentEvent:
    """Return an event with a timestamp of `number` minutes, by a clock with this error."""
    stamp = NOW + number * MINUTE
    return RecentEvent(UUID(int=number), stamp, stamp + error + delay + LIFETIME, 100)


def own_time(number: int, error: timedelta) -> datetime:
    return NOW + number * MINUTE + error


def summary(recent: RecentEvents) -> EventSummary:
    last = recent.entries[-1].timestamp if recent.entries else None
    return EventSummary(last, recent.pack(), recent.complete_since, recent.older_until)


def of(*events: RecentEvent) -> RecentEvents:
    recent = RecentEvents()
    for each in events:
        recent = recent.with_event(each, NOW)
    return recent


def unread(recent: RecentEvents, *since: datetime, now: datetime = NOW) -> list[int]:
    """Return the numbers of the unread events."""
    packed = summary(recent)
    instants = {to_micros(each) for each in since}
    rule = packed.unread(instants)
    assert packed.contains(rule, now)
    selected = [entry.event_id.int for entry in packed.select(rule, now)]
    if packed.is_read(instants):
        assert selected == []
    return selected


@pytest.mark.parametrize("error", [FAST, SLOW, CORRECT_CLOCK, 2 * DAY, -2 * DAY], ids=str)
@pytest.mark.parametrize("number", range(4), ids=str)
def test_own_time_and_timestamp_mean_the_same_event(error: timedelta, number: int) -> None:
    recent = of(*(event(each, error) for each in range(4)))
    later = list(range(number + 1, 4))
    assert unread(recent, own_time(number, error)) == later
    assert unread(recent, NOW + number * MINUTE) == later


@pytest.mark.parametrize(
    ("delay", "is_found"),
    [(-US, False), (0 * US, True), (4 * MS, True), (5 * MS, True), (5 * MS + US, False)],
    ids=str,
)
def test_expiry_is_up_to_5_ms_late(delay: timedelta, *, is_found: bool) -> None:
    # The clock is slow: without the rule, the event would come again.
    recent = of(event(0, SLOW, delay), event(1, SLOW))
    assert unread(recent, own_time(0, SLOW)) == ([1] if is_found else [0, 1])


@pytest.mark.parametrize(
    ("own", "since", "is_unread"),
    [
        # By the timestamp.
        (-timedelta(days=30), -US, True),
        (-timedelta(days=30), 0 * US, False),
        # By the own time.
        (10 * MINUTE, 9 * MINUTE, True),
        (10 * MINUTE, 10 * MINUTE + US, False),
        (3 * DAY, DAY, True),
        (3 * DAY + US, DAY, False),
        (timedelta(days=30), DAY, False),
    ],
    ids=str,
)
def test_another_time_is_compared_with_both(
    own: timedelta, since: timedelta, *, is_unread: bool
) -> None:
    only = RecentEvent(UUID(int=1), NOW, NOW + own + LIFETIME, 100)
    other = RecentEvent(UUID(int=2), NOW - DAY, NOW - 30 * DAY + LIFETIME, 100)
    assert unread(of(other, only), NOW + since) == ([1] if is_unread else [])


def test_timestamp_wins_over_own_time() -> None:
    # Published right after the answer to the first put, by a correct clock.
    second = RecentEvent(UUID(int=2), NOW + 6 * MS, NOW + 3 * MS + LIFETIME, 100)
    recent = of(event(0, CORRECT_CLOCK), second)
    assert unread(recent, NOW) == [2]
    assert not summary(recent).is_read({to_micros(NOW)})


def test_first_of_events_with_close_own_times_is_meant() -> None:
    burst = [
        RecentEvent(UUID(int=n), NOW + n * MINUTE, NOW + own * MS + LIFETIME, 100)
        for n, own in ((1, 0), (2, 10), (3, 2))
    ]
    assert unread(of(*burst), NOW) == [2, 3]
    assert unread(of(*burst), NOW + 2 * MS) == []


def test_old_time_yields_all_events() -> None:
    recent = of(*(event(number, FAST) for number in range(3)))
    for since in (datetime(1, 1, 1, tzinfo=UTC), datetime(2000, 1, 1, tzinfo=UTC)):
        assert unread(recent, since) == [0, 1, 2]
    assert unread(recent, datetime.max.replace(tzinfo=UTC)) == []


def test_expired_events_are_left_out() -> None:
    recent = of(event(0, CORRECT_CLOCK), event(1, CORRECT_CLOCK))
    assert unread(recent, NOW - DAY, now=NOW + LIFETIME) == [1]


def test_two_readers_get_what_either_lacks() -> None:
    recent = of(*(event(number, FAST) for number in range(4)))
    known, unknown = own_time(2, FAST), own_time(0, FAST) + timedelta(seconds=1)
    assert unread(recent, known) == [3]
    assert unread(recent, unknown) == [1, 2, 3]
    assert unread(recent, known, unknown) == [1, 2, 3]
    assert unread(recent, known, own_time(1, FAST)) == [2, 3]
    assert not summary(recent).is_read({to_micros(own_time(n, FAST)) for n in (2, 3)})


def test_own_time_of_a_replaced_event_is_known() -> None:
    fast = event(1, 2 * DAY)
    again = RecentEvent(UUID(int=1), NOW + 3 * MINUTE, NOW + 3 * MINUTE + LIFETIME, 100)
    recent = of(event(0, 2 * DAY), fast, event(2, CORRECT_CLOCK), again)
    assert unread(recent, own_time(1, 2 * DAY)) == [2, 1]
    assert unread(recent, NOW - DAY) == [0, 2, 1]


def test_edit_with_the_same_own_time_is_unread() -> None:
    first = event(1, SLOW)
    recent = of(event(0, SLOW), first)
    for minutes in (2, 3, 4):
        again = replace(first, timestamp=NOW + minutes * MINUTE)
        recent = recent.with_event(again, NOW)
    assert unread(recent, own_time(1, SLOW)) == [1]
    assert unread(recent, NOW + 4 * MINUTE) == []
    # The times are kept once.
    assert [entry.is_replaced for entry in recent.entries] == [False, True, False]


def test_replaced_event_of_a_correct_clock_is_dropped() -> None:
    for error in (CORRECT_CLOCK, SLOW, timedelta(seconds=59), timedelta(days=4)):
        recent = of(event(1, error), event(2, error))
        again = RecentEvent(UUID(int=1), NOW + 3 * MINUTE, NOW + 3 * MINUTE + LIFETIME, 100)
        recent = recent.with_event(again, NOW)
        assert [entry.event_id.int for entry in recent.entries] == [2, 1]


def test_query_is_needed_for_older_times() -> None:
    recent = of(*(event(number, FAST) for number in range(MAX_RECENT_EVENTS + 5)))
    packed = summary(recent)

    def is_complete(since: datetime, now: datetime = NOW) -> bool:
        return packed.contains(packed.unread({to_micros(since)}), now)

    assert recent.complete_since == NOW + 4 * MINUTE
    assert not is_complete(NOW + 3 * MINUTE)
    assert unread(recent, NOW + 4 * MINUTE) == list(range(5, MAX_RECENT_EVENTS + 5))
    assert is_complete(own_time(5, FAST))
    # An event of the last 3 days before an unknown time may be unread.
    assert not is_complete(NOW + 4 * MINUTE + 3 * DAY - US)
    assert is_complete(NOW + 4 * MINUTE + 3 * DAY)
    assert is_complete(NOW - DAY, now=NOW + LIFETIME + DAY)


@pytest.mark.parametrize("micros", [0, 60_535, 60_536, 65_535, 65_536])
def test_newest_entry_alone_decides(micros: int) -> None:
    # Multiples of 65,536 microseconds before and after the expiry.
    base = to_micros(NOW + LIFETIME)
    own = NOW + (micros - base % 65_536) * US
    older, newest = event(3, FAST), RecentEvent(UUID(int=9), NOW + 9 * MINUTE, own + LIFETIME, 1)
    recent = of(older, newest)
    assert unread(recent, own) == []
    is_within_block = micros in (0, 60_535, 65_536)
    assert summary(recent).is_read({to_micros(own)}) == is_within_block


def poll(recent: RecentEvents, since: datetime, author: Author) -> dict[int, datetime]:
    """Return number and timestamp of the unread versions."""
    packed = summary(recent)
    instants = {to_micros(since)}
    entries = packed.select(packed.unread(instants), author.now)
    if packed.is_read(instants):
        assert entries == []
    newest = {version.event_id: version.number for version in author.versions}
    return {newest[entry.event_id]: entry.timestamp for entry in entries}


def run(history: list[Step]) -> set[int]:
    """Run a history; return the numbers of the versions that a follower received twice."""
    author, recent, twice = Author(), RecentEvents(), set[int]()
    readers = followers()
    for step in history:
        version = author.put(step)
        entry = RecentEvent(version.event_id, author.now, version.expiry, 1)
        recent = recent.with_event(entry, author.now)
        for follower, states_back in zip(readers, step.polls, strict=True):
            if states_back >= 0:
                follower.revert(states_back)
                answer = poll(recent, follower.since(author), author)
                twice |= follower.receive(answer, author)
    return twice


@settings(max_examples=100)
@given(steps(3, clock_errors=CHANGING, can_keep_times=True))
def test_every_event_reaches_every_follower(history: list[Step]) -> None:
    run(history)


@given(steps(3, clock_errors=CORRECT, can_revert=False))
def test_events_of_a_correct_clock_come_once(history: list[Step]) -> None:
    assert run(history) == set()


@given(steps(3, with_edits=False, clock_errors=CONSTANT, can_revert=False))
def test_events_of_a_constant_clock_come_once(history: list[Step]) -> None:
    assert run(history) == set()
