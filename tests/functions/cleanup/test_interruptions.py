"""Interrupted deletions and passes: a later pass finishes them, and deletes nothing else."""

import asyncio
import multiprocessing
import signal
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
    PATROLS,
    PICTURE_PARTS,
    SHARED_ITEMS,
    user_document,
)
from shared.store.database import Database
from shared.store.deleted_users import Leftovers
from shared.store.deletion import Deletion
from shared.store.settings import DatabaseSettings
from shared.store.users import PasswordHash, Users
from tests.functions.cleanup.interruption import (
    ALL_CALLS,
    PAGE_SIZE,
    clean_up,
    clean_up_in_process,
    cut_off,
)

_OF_EACH = PAGE_SIZE + 1
_CLUTTER = 30  # three expired documents of five kinds, and as many that have not expired
_POINTS = 6  # interruptions of a pass, spread over all its calls
_KILLED_AFTER = 20
_LONGEST_S = 60
_NOW = datetime(2026, 1, 1, tzinfo=UTC)
_LATER = datetime.now(UTC) + timedelta(days=1)


def project() -> str:
    """Return a project without documents."""
    return f"interrupted-{uuid4()}"


def store(project: str) -> Database:
    """Return the database of a project."""
    return Database(DatabaseSettings(project=project))


async def account(database: Database) -> tuple[UUID, set[str]]:
    """Create a user with documents of every kind; return the id and the paths of all documents."""
    user = await Users(database).create(PasswordHash("", b""), _NOW)
    paths = {user_document(database.client, user.id).path}
    paths.add(LOOKUPS.of(database.client).document(user.lookup).path)
    batch = database.client.batch()
    for number in range(_OF_EACH):
        for collection in (EVENTS, FOLLOW_SECRETS, INBOX, PICTURE_PARTS, SHARED_ITEMS):
            document = collection.of(database.client, user.id).document(f"{user.id}-{number}")
            expiry = {collection.ttl_field: _LATER} if collection.ttl_field else {}
            batch.set(document, {"user_id": str(user.id), **expiry})
            paths.add(document.path)
    await database.commit(batch)
    return user.id, paths


async def everything(database: Database) -> set[str]:
    """Return the paths of all documents, except the cleanup's own."""
    queries = [
        database.query(collection.everywhere(database.client).select([]))
        for collection in ALL
        if collection not in (CLEANUP_RUNS, PATROLS)
    ]
    return {d.reference.path for found in await asyncio.gather(*queries) for d in found}


async def delete_account(database: Database, user_id: UUID) -> None:
    """Delete an account, as the function `users` does."""
    deletion = Deletion(database, Leftovers(database, PAGE_SIZE), _LONGEST_S)
    await deletion.delete(await Users(database).get_account(user_id), _NOW)


async def to_clean_up(database: Database) -> set[str]:
    """Write documents of all kinds that are due, and others; return the paths of the others."""
    clutter = SampleDocuments(database, datetime.now(UTC))
    async for _ in clutter.write_expiring(_CLUTTER):
        pass
    _, kept = await account(database)
    deleted, _ = await account(database)
    only_noted = Deletion(database, Leftovers(database), remove_s=0)
    await only_noted.delete(await Users(database).get_account(deleted), _NOW)
    orphan = EVENTS.of(database.client, uuid4()).document("orphan")
    await orphan.set({"expiry": _LATER})
    return kept | clutter.kept


async def test_interrupted_account_deletion_is_finished_from_its_note() -> None:
    own = project()
    database = store(own)
    user_id, _ = await account(database)
    calls = await cut_off(own, ALL_CALLS, partial(delete_account, user_id=user_id))
    assert calls is not None
    assert await everything(database) == set()
    accounts = await asyncio.gather(*(account(database) for _ in range(calls)))
    ended = await asyncio.gather(
        *(
            cut_off(own, number, partial(delete_account, user_id=user_id))
            for number, (user_id, _) in enumerate(accounts)
        )
    )
    assert set(ended) == {None}
    left = await everything(database)
    whole: set[str] = set()
    partly = 0
    for user_id, paths in accounts:
        if await Users(database).find_account(user_id) is not None:
            assert paths <= left
            whole |= paths
        else:
            partly += bool(paths & left)
    assert whole
    assert partly
    async for _ in Leftovers(database).purge(_NOW):
        pass
    assert await everything(database) == whole


async def test_interrupted_pass_is_finished_by_the_next_delivery() -> None:
    own = project()
    kept = await to_clean_up(store(own))
    calls = await cut_off(own, ALL_CALLS, partial(clean_up, run_id="run"))
    assert calls is not None
    assert await everything(store(own)) == kept
    interrupted = 0
    for number in range(0, calls, calls // _POINTS):
        own = project()
        kept = await to_clean_up(store(own))
        await cut_off(own, number, partial(clean_up, run_id="run"))
        left = await everything(store(own))
        assert kept <= left
        interrupted += kept < left
        await clean_up(store(own), "run")
        assert await everything(store(own)) == kept
    assert interrupted


async def test_killed_pass_is_finished_by_the_next_delivery() -> None:
    own = project()
    kept = await to_clean_up(store(own))
    spawn = multiprocessing.get_context("spawn")
    closed = spawn.Event()
    process = spawn.Process(target=clean_up_in_process, args=(own, "run", _KILLED_AFTER, closed))
    process.start()
    try:
        assert await asyncio.to_thread(closed.wait, _LONGEST_S)
    finally:
        process.kill()
        process.join()
    assert process.exitcode == -signal.SIGKILL
    assert kept < await everything(store(own))
    await clean_up(store(own), "run")
    assert await everything(store(own)) == kept
