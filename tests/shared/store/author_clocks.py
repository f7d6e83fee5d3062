"""Random histories of an author with a wrong clock, and followers that poll."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import strategies as st

from shared.store.events import NewEvent

# Every server time of a history has half a millisecond, so it differs from every own time.
START = datetime(2026, 1, 1, microsecond=500, tzinfo=UTC)
LIFETIME = timedelta(days=90)
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
MAX_DELAY = timedelta(milliseconds=5)
_MILLISECOND = timedelta(milliseconds=1)

GAPS = st.sampled_from(
    [
        timedelta(milliseconds=20),
        timedelta(seconds=1),
        timedelta(minutes=10),
        timedelta(hours=7),
        timedelta(days=1),
        timedelta(days=91),
    ]
)
CLOCK_ERRORS = st.sampled_from(
    [timedelta(), timedelta(minutes=10), timedelta(days=2), timedelta(days=-2)]
) | st.timedeltas(timedelta(days=-2), timedelta(days=2))


@dataclass(frozen=True)
class Step:
    """A put of an event, and polls of followers afterwards."""

    event: int
    """The number of an event. An earlier number replaces that event."""

    gap: timedelta
    """The time since the step before."""

    clock_error: timedelta
    expiry_delay: timedelta
    """The time from the reading of the own time to that of the expiry."""

    keeps_times: bool
    """An edit keeps own time and expiry, unless the event has expired."""

    polls: tuple[int, ...]
    """For each follower: how many states it goes back before it polls; negative: no poll."""


def steps(
    follower_count: int,
    *,
    with_edits: bool = True,
    can_keep_times: bool = False,
    clock_errors: st.SearchStrategy[st.SearchStrategy[timedelta]],
    can_revert: bool = True,
) -> st.SearchStrategy[list[Step]]:
    """Return histories. `clock_errors` yields one strategy per history."""
    states_back = st.integers(-1, 2 if can_revert else 0)

    def of(errors: st.SearchStrategy[timedelta]) -> st.SearchStrategy[list[Step]]:
        step = st.builds(
            Step,
            st.integers(0, 2) if with_edits else st.just(-1),
            GAPS,
            errors,
            st.timedeltas(timedelta(), MAX_DELAY - _MILLISECOND),
            st.booleans() if can_keep_times else st.just(value=False),
            st.tuples(*[states_back] * follower_count),
        )
        return st.lists(step, min_size=2, max_size=14)

    return clock_errors.flatmap(of)


CORRECT = st.just(st.just(timedelta()))
CONSTANT = CLOCK_ERRORS.map(st.just)
CHANGING = st.just(CLOCK_ERRORS)


@dataclass(frozen=True)
class Version:
    """One put of an event, as its author and the followers know it."""

    event_id: UUID
    number: int
    own_time: datetime
    expiry: datetime

    @property
    def content(self) -> NewEvent:
        """The event to put. Its payload is the number of the version."""
        return NewEvent(self.event_id, str(self.number).encode(), b"i", self.expiry)


@dataclass
class Author:
    """Publishes events with own times that differ by more than 5 ms, as those of a person."""

    now: datetime = START
    versions: list[Version] = field(default_factory=list)
    _used: list[datetime] = field(default_factory=list)

    def put(self, step: Step) -> Version:
        """Make the version of a step, at its time."""
        self.now += step.gap
        number = len(self.versions)
        event_id = UUID(int=number if step.event < 0 else 1000 + step.event)
        earlier = [each for each in self.versions if each.event_id == event_id]
        if step.keeps_times and earlier and earlier[-1].expiry > self.now:
            version = replace(earlier[-1], number=number)
        else:
            own = self._own_time(step)
            version = Version(event_id, number, own, own + step.expiry_delay + LIFETIME)
        self._used += [version.own_time, self.now]
        self.versions.append(version)
        return version

    def _own_time(self, step: Step) -> datetime:
        own = self.now + step.clock_error - min(step.gap / 3, timedelta(seconds=1))
        while any(abs(own - used) <= MAX_DELAY + _MILLISECOND for used in self._used):
            own += MAX_DELAY
        return own

    def live(self) -> Iterator[Version]:
        """Yield the newest version of each event that has not expired."""
        newest = {version.event_id: version for version in self.versions}
        for version in newest.values():
            if version.expiry > self.now:
                yield version


@dataclass(frozen=True)
class State:
    """The versions that a follower has received, and the timestamp of each."""

    received: dict[int, datetime] = field(default_factory=dict)


@dataclass
class Follower:
    """A follower that polls.

    Args:
        sends_own_time: as today's app. Otherwise the follower sends the newest timestamp.
        keeps_replaced: a replaced version counts for the newest own time.
    """

    sends_own_time: bool
    keeps_replaced: bool = True
    states: list[State] = field(default_factory=lambda: [State()])

    def revert(self, states: int) -> None:
        """Forget what the newest states added, as after the restore of a backup."""
        del self.states[max(1, len(self.states) - states) :]

    def since(self, author: Author) -> datetime:
        """Return the time for the next poll."""
        received = self.states[-1].received
        if not received:
            return LONG_AGO
        if not self.sends_own_time:
            return max(received.values())
        versions = [author.versions[number] for number in received]
        if not self.keeps_replaced:
            versions = list({version.event_id: version for version in versions}.values())
        newest = max(version.own_time for version in versions)
        return newest.replace(microsecond=newest.microsecond // 1000 * 1000)

    def receive(self, answer: dict[int, datetime], author: Author) -> set[int]:
        """Note the answer to a poll; return the versions that the follower had before.

        Raises:
            AssertionError: the follower lacks an event.
        """
        before = self.states[-1].received
        after = before | answer
        missing = {version.number for version in author.live()} - after.keys()
        assert not missing, f"lost: {missing}"
        self.states.append(State(dict(sorted(after.items()))))
        return before.keys() & answer.keys()


def followers() -> list[Follower]:
    """Return one follower of each kind."""
    return [
        Follower(sends_own_time=False),
        Follower(sends_own_time=True),
        Follower(sends_own_time=True, keeps_replaced=False),
    ]
