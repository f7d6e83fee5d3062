"""Interrupted deletions and passes: a later pass completes them and deletes nothing else."""

import asyncio
import multiprocessing
import signal
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from uuid import UUID, uuid4

from scripts.benchmarks.sample_documents import SampleDocuments
from shared.store.data_model import (
    ALL,
    CLEANUP_RUNS,
    EVENTS,
    FOLLOW_SECRETS,
    INBOX,
    LOOKUPS,
    PICTURE_PARTS,
    SCAN_POSITIONS,
    SHARED_ITEMS,
    USERS,
)
from shared.store.database import Database
from shared.store.deleted_users import DeletedUsers
from shared.store.deletion import Deletion
from shared.store.settings import DatabaseSettings
from shared.store.users import PasswordHash, Users
from tests.engines import parametrize_by_engine
from tests.functions.cleanup.interruption import (
    ALL_CALLS,
    PAGE_SIZE,
    clean_up,
    clean_up_in_process,
    interrupt,
)
from tests.stored_documents import all_documents, put

pytest_generate_tests = parametrize_by_engine

_DOCUMENTS_PER_KIND = PAGE_SIZE + 1
_EXPIRING_DOCUMENTS = 30  # per kind, of five: three expired and three unexpired ones
_INTERRUPTIONS = 6  # spread over all calls of a pass
_CALLS_BEFORE_KILL = 20
_TIMEOUT_S = 60
_NOW = datetime(2026, 1, 1, tzinfo=UTC)
_LATER = datetime.now(UTC) + timedelta(days=1)


NewSettings = Callable[[], DatabaseSettings]


async def new_account(database: Database) -> tuple[UUID, set[str]]:
    """Create a user with documents of every kind; return the id and the paths of all documents."""
    user = await Users(database).create(PasswordHash("", b""), _NOW)
    paths = {database.document(USERS, user.id).path}
    paths.add(database.document(LOOKUPS, user.lookup).path)
    batch = database.batch()
    for number in range(_DOCUMENTS_PER_KIND):
        for collection in (EVENTS, FOLLOW_SECRETS, INBOX, PICTURE_PARTS, SHARED_ITEMS):
            document = database.document(collection, f"{user.id}-{number}", user_id=user.id)
            expiry = {collection.ttl_field: _LATER} if collection.ttl_field else {}
            batch.set(document, {"user_id": str(user.id), **expiry})
            paths.add(document.path)
    await database.commit(batch)
    return user.id, paths


async def all_paths(database: Database) -> set[str]:
    """Return the paths of all documents except the cleanup's own."""
    queries = [
        all_documents(database, collection)
        for collection in ALL
        if collection not in (CLEANUP_RUNS, SCAN_POSITIONS)
    ]
    return {d.reference.path for found in await asyncio.gather(*queries) for d in found}


async def delete_account(database: Database, user_id: UUID) -> None:
    """Delete an account as the function `users` does."""
    deletion = Deletion(database, DeletedUsers(database, PAGE_SIZE), _TIMEOUT_S)
    await deletion.delete(await Users(database).get_account(user_id), _NOW)


async def fill(database: Database) -> set[str]:
    """Write due documents of all kinds, and others; return the paths of the others."""
    documents = SampleDocuments(database, datetime.now(UTC))
    async for _ in documents.write_expiring(_EXPIRING_DOCUMENTS):
        pass
    _, kept = await new_account(database)
    deleted, _ = await new_account(database)
    only_recorded = Deletion(database, DeletedUsers(database), max_delete_s=0)
    await only_recorded.delete(await Users(database).get_account(deleted), _NOW)
    orphan = database.document(EVENTS, "orphan", user_id=uuid4())
    await put(database, orphan, {"expiry": _LATER})
    return kept | documents.kept


async def test_purge_completes_interrupted_account_deletions(new_settings: NewSettings) -> None:
    settings = new_settings()
    database = Database(settings)
    user_id, _ = await new_account(database)
    calls = await interrupt(settings, ALL_CALLS, partial(delete_account, user_id=user_id))
    assert calls is not None
    assert await all_paths(database) == set()
    accounts = await asyncio.gather(*(new_account(database) for _ in range(calls)))
    ended = await asyncio.gather(
        *(
            interrupt(settings, number, partial(delete_account, user_id=user_id))
            for number, (user_id, _) in enumerate(accounts)
        )
    )
    assert set(ended) == {None}
    remaining = await all_paths(database)
    complete: set[str] = set()
    partly_deleted = 0
    for user_id, paths in accounts:
        if await Users(database).find_account(user_id) is not None:
            assert paths <= remaining
            complete |= paths
        else:
            partly_deleted += bool(paths & remaining)
    assert complete
    assert partly_deleted
    async for _ in DeletedUsers(database).purge(_NOW):
        pass
    assert await all_paths(database) == complete


async def test_next_delivery_completes_an_interrupted_pass(new_settings: NewSettings) -> None:
    settings = new_settings()
    kept = await fill(Database(settings))
    calls = await interrupt(settings, ALL_CALLS, partial(clean_up, run_id="run"))
    assert calls is not None
    assert await all_paths(Database(settings)) == kept
    interrupted = 0
    for number in range(0, calls, calls // _INTERRUPTIONS):
        settings = new_settings()
        kept = await fill(Database(settings))
        await interrupt(settings, number, partial(clean_up, run_id="run"))
        remaining = await all_paths(Database(settings))
        assert kept <= remaining
        interrupted += kept < remaining
        await clean_up(Database(settings), "run")
        assert await all_paths(Database(settings)) == kept
    assert interrupted


async def test_next_delivery_completes_a_killed_pass(new_settings: NewSettings) -> None:
    settings = new_settings()
    kept = await fill(Database(settings))
    spawn = multiprocessing.get_context("spawn")
    closed = spawn.Event()
    process = spawn.Process(
        target=clean_up_in_process, args=(settings, "run", _CALLS_BEFORE_KILL, closed)
    )
    process.start()
    try:
        assert await asyncio.to_thread(closed.wait, _TIMEOUT_S)
    finally:
        process.kill()
        process.join()
    assert process.exitcode == -signal.SIGKILL
    assert kept < await all_paths(Database(settings))
    await clean_up(Database(settings), "run")
    assert await all_paths(Database(settings)) == kept
