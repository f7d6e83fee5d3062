"""Processes that are killed at any point: the next run leaves nothing behind, and takes nothing."""

import multiprocessing
import random
import signal
from collections.abc import AsyncGenerator, Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from functions.cleanup.main import purges
from functions.cleanup.sweep import sweep
from scripts.benchmarks.clutter import Clutter
from shared.settings import CleanupSettings, StoreSettings
from shared.store.client import Database
from shared.store.data_model import (
    ALL,
    CLEANUP_RUNS,
    EVENTS,
    FOLLOW_SECRETS,
    INBOX,
    PATROLS,
    PICTURE_PARTS,
    SHARED_ITEMS,
)
from shared.store.deletion import Deletion
from shared.store.leftovers import Leftovers
from shared.store.users import PasswordHash, Users
from tests.functions.cleanup.victims import PAGE_SIZE, clean_up, delete_account

_KILLS = 26  # one of them is not killed, but measured
_LONGEST_S = 30
_OF_EACH = 3 * PAGE_SIZE + 1
_CLUTTER = 200
_NOW = datetime(2026, 1, 1, tzinfo=UTC)
_LATER = datetime.now(UTC) + timedelta(days=1)

# A process that has loaded everything already is forked, so that all the time is the work's own.
_forks = multiprocessing.get_context("forkserver")
_forks.set_forkserver_preload(["tests.functions.cleanup.victims"])


@pytest.fixture
async def own() -> Database:
    """A database that nobody else writes to."""
    return Database(StoreSettings(project=f"killed-{uuid4()}"))


async def account(database: Database) -> UUID:
    """Make a user of whom there are some documents of every kind."""
    user_id = (await Users(database).create(PasswordHash("", b""), _NOW)).id
    batch = database.client.batch()
    for number in range(_OF_EACH):
        for collection in (EVENTS, FOLLOW_SECRETS, INBOX, PICTURE_PARTS, SHARED_ITEMS):
            document = collection.of(database.client, user_id).document(f"{user_id}-{number}")
            expiry = {collection.ttl_field: _LATER} if collection.ttl_field else {}
            batch.set(document, {"user_id": str(user_id), **expiry})
    await database.commit(batch)
    return user_id


async def everything(database: Database) -> set[str]:
    """Return the paths of all documents, but for what the cleanup notes of its own runs."""
    found = set()
    for collection in ALL:
        if collection not in (CLEANUP_RUNS, PATROLS):
            documents = collection.everywhere(database.client).select([])
            found |= {d.reference.path for d in await database.query(documents)}
    return found


def killed(work: Callable[[str, str], None], *arguments: str, after_s: float) -> bool:
    """Whether a process that does `work` was killed before it had ended by itself."""
    process = _forks.Process(target=work, args=arguments)
    process.start()
    process.join(after_s)
    process.kill()
    process.join()
    assert process.exitcode in (0, -signal.SIGKILL)
    return process.exitcode != 0


def usual_s(work: Callable[[str, str], None], *arguments: str) -> float:
    """Return how long `work` takes."""
    process = _forks.Process(target=work, args=arguments)
    begun = datetime.now(UTC)
    process.start()
    process.join(_LONGEST_S)
    assert process.exitcode == 0
    return (datetime.now(UTC) - begun).total_seconds()


class _NothingLeft(Leftovers):
    """Leaves all the work to the cleanup, as a process does that ends right after its commit."""

    async def remove(self, user_id: str) -> AsyncGenerator[int, None]:  # noqa: ARG002
        """Remove nothing."""
        nothing: tuple[int, ...] = ()
        for count in nothing:
            yield count


async def next_run(database: Database) -> None:
    swept = await sweep(purges(database, CleanupSettings()), datetime.now(UTC), _LONGEST_S)
    assert not swept.failed
    assert not swept.unfinished


async def test_of_an_account_whose_deletion_was_killed_the_next_run_leaves_nothing(
    own: Database,
) -> None:
    await account(own)
    others = await everything(own)
    whole_s = usual_s(delete_account, own.client.project, str(await account(own)))
    assert await everything(own) == others
    seen = set()
    for _ in range(_KILLS):
        user_id = await account(own)
        before = await everything(own)
        after_s = random.uniform(0, whole_s)
        was_killed = killed(delete_account, own.client.project, str(user_id), after_s=after_s)
        left = await everything(own)
        await next_run(own)
        if left == before:  # killed before it had begun, so the account is there, and whole
            assert await everything(own) == before
            others = before
        else:
            assert await everything(own) == others
        seen.add((was_killed, left == before, left == others))
    # Some of them were killed in the middle.
    assert (True, False, False) in seen


async def test_a_cleanup_that_was_killed_takes_nothing_that_has_to_stay(own: Database) -> None:
    clutter = Clutter(own, datetime.now(UTC))
    await account(own)
    kept = await everything(own)
    whole_s = 0.0
    interrupted = 0
    for _ in range(_KILLS):
        async for _ in clutter.scatter(_CLUTTER):
            pass
        kept |= clutter.kept
        gone = await account(own)
        await Deletion(own, _NothingLeft(own)).delete(await Users(own).get_account(gone), _NOW)
        if not whole_s:
            whole_s = usual_s(clean_up, own.client.project, f"test-{uuid4()}")
        else:
            after_s = random.uniform(0, whole_s)
            killed(clean_up, own.client.project, f"test-{uuid4()}", after_s=after_s)
            left = await everything(own)
            assert kept <= left
            interrupted += left > kept
            await next_run(own)
        assert await everything(own) == kept
    assert interrupted
