"""Commits that share a transaction, and the update times that they leave."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from google.api_core import exceptions
from google.cloud.firestore_v1 import ArrayUnion

from shared.store.data_model import SHARED_ITEMS
from shared.store.database import Database
from shared.store.engines.sqlite import commits as commits_module
from shared.store.preconditions import PreconditionFailed, if_unchanged
from shared.store.settings import DatabaseSettings
from tests.stored_documents import delete, find_fields, put, update

if TYPE_CHECKING:
    from google.cloud.firestore_v1.async_batch import AsyncWriteBatch
    from google.cloud.firestore_v1.async_document import AsyncDocumentReference

COUNT = 20


@pytest.fixture
async def own_database(tmp_path: Path) -> AsyncIterator[Database]:
    database = Database(DatabaseSettings(file=tmp_path / "commits.db"))
    yield database
    await database.close()


def item(database: Database, name: object = "item") -> "AsyncDocumentReference":
    return database.document(SHARED_ITEMS, str(name))


async def version(database: Database, document: "AsyncDocumentReference") -> int:
    """Return the update time in nanoseconds."""
    found = await database.read_one(document)
    assert found is not None
    nanoseconds: int = found.version.ToNanoseconds()  # type: ignore[attr-defined] # a protobuf
    return nanoseconds


async def test_update_times_grow_when_the_clock_does_not(
    own_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []
    for number, now in enumerate([2_000_000, 2_000_000, 1_000_000, 1_000_000, 9_000_000]):
        monkeypatch.setattr(time, "time_ns", lambda now=now: now)
        await put(own_database, item(own_database), {"number": number})
        seen.append(await version(own_database, item(own_database)))
    assert seen == [2_000_000, 2_001_000, 2_002_000, 2_003_000, 9_000_000]


async def test_update_time_is_the_time_of_the_commit(own_database: Database) -> None:
    before = time.time_ns() // 1000 * 1000
    await put(own_database, item(own_database), {})
    assert before <= await version(own_database, item(own_database)) <= time.time_ns()


async def test_update_times_grow_after_a_new_start(own_database: Database) -> None:
    await put(own_database, item(own_database), {"number": 1})
    before = await version(own_database, item(own_database))
    await own_database.close()
    await put(own_database, item(own_database), {"number": 2})
    assert await version(own_database, item(own_database)) > before


async def test_write_without_a_change_keeps_the_update_time(own_database: Database) -> None:
    fields = {"text": "a", "list": [1, {"a": None}]}
    await put(own_database, item(own_database), fields)
    before = await version(own_database, item(own_database))
    await put(own_database, item(own_database), fields)
    await update(own_database, item(own_database), {"text": "a"})
    assert await version(own_database, item(own_database)) == before
    await update(own_database, item(own_database), {"text": "b"})
    assert await version(own_database, item(own_database)) > before


async def test_document_that_is_created_again_has_a_new_time(own_database: Database) -> None:
    await put(own_database, item(own_database), {})
    before = await version(own_database, item(own_database))
    await delete(own_database, item(own_database))
    await put(own_database, item(own_database), {})
    assert await version(own_database, item(own_database)) > before


def failing(database: Database, number: int) -> "AsyncWriteBatch":
    """Return a batch whose last write has a precondition that does not hold."""
    batch = database.batch()
    batch.set(item(database, f"{number}-first"), {"number": number})
    batch.update(item(database, "missing"), {"number": number})
    return batch


def succeeding(database: Database, number: int) -> "AsyncWriteBatch":
    batch = database.batch()
    batch.set(item(database, f"{number}-first"), {"number": number})
    batch.set(item(database, f"{number}-second"), {"number": number})
    return batch


async def test_each_concurrent_commit_is_whole_or_absent(own_database: Database) -> None:
    batches = [
        (failing if number % 2 else succeeding)(own_database, number) for number in range(COUNT)
    ]
    outcomes = await asyncio.gather(*map(own_database.commit, batches), return_exceptions=True)
    assert [type(each) for each in outcomes] == [type(None), PreconditionFailed] * (COUNT // 2)
    stored = await own_database.query(own_database.collection(SHARED_ITEMS).limit(100))
    expected = {f"{n}-{part}" for n in range(0, COUNT, 2) for part in ("first", "second")}
    assert {document.id for document in stored} == expected


async def test_concurrent_commits_share_transactions(
    own_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    groups: list[int] = []
    execute = commits_module.Commits.execute

    def count(self: commits_module.Commits, connection: object, commits: list[object]) -> object:
        groups.append(len(commits))
        return execute(self, connection, commits)  # type: ignore[arg-type] # only forwarded

    monkeypatch.setattr(commits_module.Commits, "execute", count)
    batches = [succeeding(own_database, number) for number in range(COUNT)]
    await asyncio.gather(*map(own_database.commit, batches))
    assert sum(groups) == COUNT
    assert len(groups) < COUNT


async def test_one_of_concurrent_updates_with_a_version_wins(own_database: Database) -> None:
    await put(own_database, item(own_database), {"number": -1})
    stored = await own_database.read_one(item(own_database))
    assert stored is not None
    batches = [own_database.batch() for _ in range(COUNT)]
    for number, batch in enumerate(batches):
        option = if_unchanged(stored.version)
        batch.update(item(own_database), {"number": number}, option=option)
    outcomes = await asyncio.gather(*map(own_database.commit, batches), return_exceptions=True)
    [winner] = [number for number, outcome in enumerate(outcomes) if outcome is None]
    assert await find_fields(own_database, item(own_database)) == {"number": winner}


async def test_too_large_document_is_invalid(own_database: Database) -> None:
    await put(own_database, item(own_database), {"encrypted_payload": b"x" * 1_000_000})
    with pytest.raises(exceptions.InvalidArgument):
        await put(own_database, item(own_database, 2), {"encrypted_payload": b"x" * 1_100_000})
    assert await find_fields(own_database, item(own_database, 2)) is None


async def test_transform_is_named_as_unsupported(own_database: Database) -> None:
    with pytest.raises(NotImplementedError, match="transforms of fields"):
        await put(own_database, item(own_database), {"numbers": ArrayUnion([1])})
