"""A load of commits whose documents belong together, for a process that is killed."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from uuid import UUID, uuid4

from shared.store.data_model import Collection
from shared.store.database import Database
from shared.store.events import Events, NewEvent
from shared.store.settings import DatabaseSettings
from shared.store.users import PasswordHash, Users
from tests.shared.store.engines.sqlite.children import Report

PAIRS = Collection("pairs")
SIDES = ("left", "right")
_COMMITS_PER_AUTHOR = 8
_EVENTS_PER_COMMIT = 3


@dataclass(frozen=True)
class PairWritten:
    """A commit of both documents of a pair was acknowledged."""

    writer: int
    number: int
    update_time: int | None
    """In microseconds. None: the commit deleted the pair."""


@dataclass(frozen=True)
class UserCreated:
    """The commit of a user and of its lookup was acknowledged."""

    user_id: UUID
    lookup: str


@dataclass(frozen=True)
class EventsPublished:
    """The commit of events and of their summary was acknowledged."""

    user_id: UUID
    event_ids: frozenset[UUID]


async def write(report: Report, path: Path, writers: range, first_number: int) -> None:
    """Write without end. Report each commit after it was acknowledged."""
    load = _Load(Database(DatabaseSettings(file=path)), report, first_number)
    kinds = (load.write_pairs, load.write_pairs, load.create_users, load.publish_events)
    async with asyncio.TaskGroup() as tasks:
        for writer in writers:
            tasks.create_task(kinds[writer % len(kinds)](writer))


def pair_writers(writers: range) -> Iterator[int]:
    """Yield the writers that write pairs."""
    return (writer for writer in writers if writer % 4 < len(SIDES))


def content_of(number: int) -> bytes | None:
    """Return the content of a pair after commit `number`; None if the commit deletes the pair."""
    if number % 10 == 0:
        return None
    return number.to_bytes(8, "big") + bytes([number % 251]) * (number * 997 % 9_000)


class _Load:
    def __init__(self, database: Database, report: Report, first_number: int) -> None:
        self._database = database
        self._report = report
        self._first_number = first_number
        self._users = Users(database, with_events=True)
        self._events = Events(database, self._users)

    async def write_pairs(self, writer: int) -> None:
        references = [self._database.document(PAIRS, f"{writer}-{side}") for side in SIDES]
        for number in count(self._first_number):
            batch = self._database.batch()
            content = content_of(number)
            for reference in references:
                if content is None:
                    batch.delete(reference)
                else:
                    batch.set(reference, {"number": number, "content": content})
            await self._database.commit(batch)
            # Only this writer changes the pair.
            stored = await self._database.read_one(references[0])
            assert (stored is None) == (content is None)
            update_time = None if stored is None else micros(stored.version)
            self._report(PairWritten(writer, number, update_time))

    async def create_users(self, _writer: int) -> None:
        while True:
            await self._create_user()

    async def publish_events(self, _writer: int) -> None:
        while True:
            user_id = await self._create_user()
            for _ in range(_COMMITS_PER_AUTHOR):
                await self._publish(user_id)

    async def _create_user(self) -> UUID:
        user = await self._users.create(PasswordHash("00" * 64, bytes(64)), datetime.now(UTC))
        self._report(UserCreated(user.id, user.lookup))
        return user.id

    async def _publish(self, user_id: UUID) -> None:
        now = datetime.now(UTC)
        expiry = now + timedelta(days=1)
        events = [
            NewEvent(uuid4(), bytes(1_000), bytes(16), expiry) for _ in range(_EVENTS_PER_COMMIT)
        ]
        await self._events.put(await self._users.get_account(user_id), events, now)
        event_ids = frozenset(event.event_id for event in events)
        self._report(EventsPublished(user_id, event_ids))


def micros(version: object) -> int:
    """Return the microseconds since 1970 of a `Document.version`."""
    return int(version.ToMicroseconds())  # type: ignore[attr-defined] # protobuf is untyped
