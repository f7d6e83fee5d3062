"""Several processes that share the file."""

import asyncio
from pathlib import Path

from shared.store.data_model import Collection
from shared.store.database import Database
from shared.store.engines.sqlite.maintenance import check
from shared.store.preconditions import PreconditionFailed, if_unchanged
from shared.store.settings import DatabaseSettings
from tests.shared.store.engines.sqlite.children import Report, run_together
from tests.shared.store.engines.sqlite.scenarios import Scenario

COUNTERS = Collection("counters")
PROCESSES = 4
WRITERS = 4
# On a busy machine, a process may wait longer for the lock.
RETRY_FOR_S = 60


async def count_up(report: Report, path: Path, increments: int) -> None:
    """Add to one number with optimistic updates; report the number of failed preconditions."""
    database = Scenario(path, retry_for_s=RETRY_FOR_S).database
    conflicts = await asyncio.gather(*(_count(database, increments) for _ in range(WRITERS)))
    await database.close()
    report(sum(conflicts))


async def _count(database: Database, increments: int) -> int:
    counter = database.document(COUNTERS, "one")
    conflicts = 0
    while increments:
        found = await database.read_one(counter)
        batch = database.batch()
        if found is None:
            batch.create(counter, {"number": 1})
        else:
            following = {"number": found.fields["number"] + 1}
            batch.update(counter, following, option=if_unchanged(found.version))
        try:
            await database.commit(batch)
        except PreconditionFailed:
            conflicts += 1
        else:
            increments -= 1
    return conflicts


async def test_processes_count_exactly(tmp_path: Path, *, is_long: bool) -> None:
    path = tmp_path / "data.db"
    increments = 250 if is_long else 10
    reports = run_together(count_up, [(path, increments)] * PROCESSES)
    database = Database(DatabaseSettings(file=path))
    counter = await database.read_one(database.document(COUNTERS, "one"))
    await database.close()
    total = PROCESSES * WRITERS * increments
    print(f"\n{total} updates of one document, {sum(map(sum, reports))} failed preconditions")
    assert counter is not None
    assert counter.fields["number"] == total
    assert check(path) == []


async def write_many(report: Report, path: Path, process: int, commits: int) -> None:
    """Commit without a pause in several tasks; report the errors."""
    scenario = Scenario(path, retry_for_s=RETRY_FOR_S)
    for number in range(commits):
        for error in await scenario.write_all([f"{process}-{number}-{n}" for n in range(WRITERS)]):
            report(error)
    await scenario.database.close()


def test_processes_commit_without_errors(tmp_path: Path, *, is_long: bool) -> None:
    path = tmp_path / "data.db"
    commits = 300 if is_long else 30
    # The first calls of all processes also create the file at the same time.
    errors = run_together(write_many, [(path, process, commits) for process in range(PROCESSES)])
    assert errors == [[None] * commits * WRITERS] * PROCESSES
    assert check(path) == []
