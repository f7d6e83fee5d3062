"""Database files of different sizes, filled with sample users."""

import asyncio
import json
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Self
from uuid import UUID, uuid4

from google.cloud.firestore_v1.types import Document, Write

from scripts.benchmarks.report import console
from scripts.benchmarks.sample_users import SampleUsers, hash_password
from shared.store.data_model import EVENTS, USERS
from shared.store.database import Database
from shared.store.engines.sqlite.engine import SqliteEngine
from shared.store.follow_secrets import FollowSecrets
from shared.store.pictures import Pictures
from shared.store.profiles import ProfileContent, Profiles
from shared.store.settings import DatabaseSettings
from shared.store.users import Users

_EVENTS_PER_AUTHOR = 20
_EVENTS_IN_SUMMARY = 200
_EVENTS_PER_COMMIT = 400
_AUTHORS_OF_EXPIRED = 40
_COMMIT_TIMEOUT_S = 60
_FOLLOW_SECRETS = 5
_TYPICAL_PROFILE = ProfileContent(b"p" * 2048, None, b"n" * 64, b"i" * 16, b"k" * 294)


@dataclass(frozen=True)
class SampleFile:
    """A filled database file.

    Args:
        path: the file.
        sender: the user who sends the measured requests.
        authors: all other users.
    """

    path: Path
    sender: UUID
    authors: list[UUID]

    @classmethod
    def load(cls, path: Path) -> Self:
        """Return the file that `save` described. Raises FileNotFoundError."""
        saved = json.loads(path.with_suffix(".json").read_text())
        authors = [UUID(author) for author in saved["authors"]]
        return cls(path, UUID(saved["sender"]), authors)

    def save(self) -> None:
        """Write a description beside the file."""
        described = {
            "sender": str(self.sender),
            "authors": [str(author) for author in self.authors],
        }
        self.path.with_suffix(".json").write_text(json.dumps(described))

    @property
    def followed(self) -> list[UUID]:
        """The users that the sender follows: 19 authors and itself."""
        return [self.sender, *self.authors[:19]]

    async def add_expired(self, database: Database, count: int) -> None:
        """Add expired events of 40 random authors, in a large file too.

        The events of more authors would be on more pages of the file, regardless of its size.
        """
        authors = random.sample(self.authors, _AUTHORS_OF_EXPIRED)
        batch = database.batch()
        expiry = datetime.now(UTC) - timedelta(days=1)
        for author in random.choices(authors, k=count):  # noqa: S311 - not a secret
            batch.set(
                database.document(EVENTS, uuid4(), user_id=author),
                {
                    "timestamp": expiry - timedelta(days=90),
                    "encrypted_payload": b"x" * 2048,
                    "encrypted_iv": b"i" * 16,
                    "expiry": expiry,
                },
            )
        await database.commit(batch)


async def fill(path: Path, events_of_sender: int, other_events: int) -> SampleFile:
    """Create a file. Each author of `other_events` has 20 of them."""
    database, engine = Database(DatabaseSettings(file=path)), SqliteEngine(path)
    users = SampleUsers(database, hash_password())
    start = time.perf_counter()
    # The newest events are also in the user's document, so `Events` writes them.
    authors = await users.create_authors(other_events // _EVENTS_PER_AUTHOR, event_count=1)
    older = [author for author in authors for _ in range(_EVENTS_PER_AUTHOR - 1)]
    sender = await users.create_author(_EVENTS_IN_SUMMARY)
    older += [sender] * (events_of_sender - _EVENTS_IN_SUMMARY)
    await _add_older_events(engine, older)
    seconds = time.perf_counter() - start
    await engine.close()
    await database.close()
    count = events_of_sender + other_events
    console.print(f"{count:,} events in {seconds:.0f} s, {count / seconds:,.0f} per second")
    return SampleFile(path, sender, authors)


async def _add_older_events(engine: SqliteEngine, authors: Sequence[UUID]) -> None:
    """Add an event of each author in `authors`, older than its other ones.

    Does not use `Events`: the client library would take most of the time.
    """
    event = Document.pb()(
        fields={
            "encrypted_payload": {"bytes_value": b"x" * 2048},
            "encrypted_iv": {"bytes_value": b"i" * 16},
        }
    )
    yesterday = int(time.time()) - 86_400
    event.fields["expiry"].timestamp_value.seconds = yesterday + 3 * 86_400
    for start in range(0, len(authors), _EVENTS_PER_COMMIT):
        writes = []
        for number, author in enumerate(authors[start : start + _EVENTS_PER_COMMIT], start):
            event.name = f"{engine.root}/{USERS.name}/{author}/{EVENTS.name}/{uuid4()}"
            event.fields["timestamp"].timestamp_value.FromMicroseconds(yesterday * 10**6 + number)
            writes.append(Write.pb()(update=event))
        await engine.commit(writes, _COMMIT_TIMEOUT_S)


async def fill_typical(path: Path, user_count: int, picture: bytes | None) -> None:
    """Create a file of typical users, each with 20 events and 5 follow secrets."""
    database = Database(DatabaseSettings(file=path))
    users = Users(database)
    samples = SampleUsers(database)
    follow_secrets = FollowSecrets(database, users)
    profiles = Profiles(database, users, Pictures(database))
    now = datetime.now(UTC)
    for author in await samples.create_authors(user_count, _EVENTS_PER_AUTHOR):
        account = await users.get_account(author)
        profile = replace(_TYPICAL_PROFILE, encrypted_profile_picture=picture)
        await profiles.replace(account, profile, now)
        secrets = (uuid4().hex for _ in range(_FOLLOW_SECRETS - 1))
        await asyncio.gather(*(follow_secrets.put(account, each, now) for each in secrets))
    await database.close()
