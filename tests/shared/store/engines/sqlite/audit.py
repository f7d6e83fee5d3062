"""The audit of a database file after a crash."""

from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

from shared.store.data_model import EVENTS, LOOKUPS, USERS, Collection
from shared.store.database import Database
from shared.store.documents import Document
from shared.store.engines.sqlite.maintenance import check
from shared.store.event_summary import EventSummary
from shared.store.settings import DatabaseSettings
from tests.shared.store.engines.sqlite.write_load import (
    PAIRS,
    SIDES,
    EventsPublished,
    PairWritten,
    UserCreated,
    content_of,
    micros,
)

_MAX_RESULTS = 1_000_000


@dataclass(frozen=True)
class _Pair:
    """The last known state of a pair."""

    number: int | None = None
    update_time: int = 0


@dataclass
class Audit:
    """The acknowledged commits of all rounds, compared with a file.

    Args:
        path: the file.
    """

    path: Path
    acknowledged: int = 0
    _pairs: dict[int, _Pair] = field(default_factory=dict)
    _users: dict[UUID, str] = field(default_factory=dict)
    _events: dict[UUID, set[UUID]] = field(default_factory=dict)
    _settled: set[UUID] = field(default_factory=set)

    def note(self, report: PairWritten | UserCreated | EventsPublished) -> None:
        """Note an acknowledged commit."""
        self.acknowledged += 1
        match report:
            case PairWritten():
                before = self._pairs.get(report.writer, _Pair())
                update_time = report.update_time or before.update_time
                if report.update_time is not None:
                    assert update_time > before.update_time, "the update time does not grow"
                self._pairs[report.writer] = _Pair(report.number, update_time)
            case UserCreated():
                self._users[report.user_id] = report.lookup
            case EventsPublished():
                self._events.setdefault(report.user_id, set()).update(report.event_ids)

    async def run(self, writers: list[int], first_number: int, path: Path | None = None) -> None:
        """Compare the file, or its copy at `path`, with the acknowledged commits.

        Args:
            writers: the writers of pairs of this round.
            first_number: the number of the first commit of this round.
            path: the copy; the file itself by default.
        """
        path = path or self.path
        database = Database(DatabaseSettings(file=path))
        try:
            for writer in writers:
                await self._check_pair(database, writer, first_number)
            await self._check_users(database)
        finally:
            await database.close()
        assert check(path) == []

    async def _check_pair(self, database: Database, writer: int, first_number: int) -> None:
        """One commit at most is there without an acknowledgement, and no commit is half there."""
        references = [database.document(PAIRS, f"{writer}-{side}") for side in SIDES]
        documents = {found.id: found for found in await database.read(references)}
        assert len(documents) in (0, 2), f"half of the pair {writer} is there"
        last = self._pairs.get(writer, _Pair())
        is_first = last.number is None or last.number < first_number
        following = first_number if is_first else (last.number or 0) + 1
        before = None if last.number is None else content_of(last.number)
        stored = [(found.fields["content"], micros(found.version)) for found in documents.values()]
        contents = {content for content, _ in stored} or {None}
        assert contents in ({before}, {content_of(following)}), f"pair {writer} is wrong"
        is_following = contents != {before}
        number = following if is_following else last.number
        update_time = last.update_time
        if stored:
            [update_time] = {time for _, time in stored}
            assert (update_time > last.update_time) == is_following
        self._pairs[writer] = _Pair(number, update_time)

    async def _check_users(self, database: Database) -> None:
        users = {UUID(found.id): found for found in await _all(database, USERS)}
        lookups = {
            found.id: UUID(found.fields["user_id"]) for found in await _all(database, LOOKUPS)
        }
        assert lookups == {found.fields["lookup"]: id_ for id_, found in users.items()}
        assert self._users.items() <= {id_: f.fields["lookup"] for id_, f in users.items()}.items()
        # No writer changes a user of an earlier round.
        for user_id in users.keys() - self._settled:
            await self._check_events(database, user_id, users[user_id])
        self._settled |= users.keys()

    async def _check_events(self, database: Database, user_id: UUID, user: Document) -> None:
        """The summary contains each event of the user, and every acknowledged event is there."""
        events = {UUID(found.id) for found in await _all(database, EVENTS, user_id)}
        summary = EventSummary.of(user.fields).recent()
        assert events == {entry.event_id for entry in summary.entries}
        assert self._events.get(user_id, set()) <= events


async def _all(
    database: Database, collection: Collection, user_id: UUID | None = None
) -> list[Document]:
    return await database.query(database.collection(collection, user_id).limit(_MAX_RESULTS))
