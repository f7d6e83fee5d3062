"""Feeds of authors with a wrong clock: every event reaches every follower within one poll."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import datetime
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.store import recent_events
from shared.store.database import Database
from shared.store.events import Event, Events
from shared.store.feed import Feeds, Followed
from shared.store.follow_secrets import FollowSecrets
from shared.store.settings import DatabaseSettings
from shared.store.users import PasswordHash, Users
from tests.shared.store.author_clocks import (
    CHANGING,
    CONSTANT,
    CORRECT,
    START,
    Author,
    Step,
    followers,
    steps,
)

_SECRET = "secret"  # noqa: S105 - of each author here
_EXAMPLES = 20


class Server:
    """A database, and one author per history."""

    def __init__(self, file: Path) -> None:
        self.database = Database(DatabaseSettings(file=file))
        self._users = Users(self.database, with_events=True)
        self._events = Events(self.database, self._users)
        self._feeds = Feeds(self.database, self._events)
        self._secrets = FollowSecrets(self.database, self._users)

    async def run(self, history: list[Step]) -> set[int]:
        """Run a history; return the numbers of the versions that a follower received twice."""
        author, readers, twice = Author(), followers(), set[int]()
        user_id = (await self._users.create(PasswordHash("", b""), START)).id
        await self._secrets.put(await self._users.get_account(user_id), _SECRET, START)
        for step in history:
            content = author.put(step).content
            account = await self._users.get_account(user_id)
            await self._events.put(account, [content], author.now)
            polls = [
                (follower, back)
                for follower, back in zip(readers, step.polls, strict=True)
                if back >= 0
            ]
            for follower, back in polls:
                follower.revert(back)
                own = [follower.since(author)]
                events = [event async for event in self._feed(user_id, own, author)]
                answer = {_number(event): event.timestamp for event in events}
                twice |= follower.receive(answer, author)
            # One request for all followers lacks nothing either.
            everyones = [follower.since(author) for follower in readers]
            together = [event async for event in self._feed(user_id, everyones, author)]
            for follower in readers:
                answer = {_number(event): event.timestamp for event in together}
                follower.receive(answer, author)
                follower.states.pop()
        return twice

    async def _feed(
        self, user_id: UUID, since: list[datetime], author: Author
    ) -> AsyncIterator[Event]:
        followed = [Followed(user_id, _SECRET, each) for each in since]
        feed = await self._feeds.read(followed, author.now)
        async for event in feed.events:
            yield event


def _number(event: Event) -> int:
    return int(event.encrypted_event_payload)


@pytest.fixture
def runner() -> Iterator[asyncio.Runner]:
    """Run the calls of all examples in one event loop."""
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture
def server(runner: asyncio.Runner, tmp_path: Path) -> Iterator[Server]:
    """The server."""
    server = Server(tmp_path / "clocks.db")
    yield server
    runner.run(server.database.close())


def check(
    runner: asyncio.Runner,
    server: Server,
    histories: st.SearchStrategy[list[Step]],
    *,
    can_repeat: bool,
) -> None:
    """Run random histories."""

    @settings(max_examples=_EXAMPLES)
    @given(histories)
    def run(history: list[Step]) -> None:
        twice = runner.run(server.run(history))
        assert can_repeat or not twice

    run()


def test_every_event_reaches_every_follower(runner: asyncio.Runner, server: Server) -> None:
    histories = steps(3, clock_errors=CHANGING, can_keep_times=True)
    check(runner, server, histories, can_repeat=True)


def test_events_of_a_correct_clock_come_once(runner: asyncio.Runner, server: Server) -> None:
    histories = steps(3, clock_errors=CORRECT, can_revert=False)
    check(runner, server, histories, can_repeat=False)


@pytest.mark.parametrize(
    "histories",
    [
        steps(3, clock_errors=CONSTANT),
        steps(3, clock_errors=CHANGING, with_edits=False),
    ],
    ids=["constant", "changing"],
)
def test_queries_lose_no_event_of_a_wrong_clock(
    runner: asyncio.Runner,
    server: Server,
    monkeypatch: pytest.MonkeyPatch,
    histories: st.SearchStrategy[list[Step]],
) -> None:
    monkeypatch.setattr(recent_events, "MAX_RECENT_EVENTS", 2)
    check(runner, server, histories, can_repeat=True)
