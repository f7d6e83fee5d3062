"""`./scripts/cleanup`, on its own stack."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import httpx
import pytest

from scripts.admin.cleanup import main
from scripts.benchmarks.sample_documents import SampleDocuments
from scripts.fakes.scheduler import JOB, LOCATION
from scripts.local.ports import HOST, url
from scripts.local.stack import Stack, free_ports
from shared.store.cleanup_runs import CleanupRuns, Pass
from shared.store.database import Database
from shared.store.settings import DatabaseSettings
from tests.emulators import emulators, firestore_settings
from tests.scripts.test_commands import run

PROJECT = f"cleanup-command-{uuid4()}"

Command = Callable[..., Awaitable[tuple[int, str]]]


@pytest.fixture(
    scope="module", params=["file", pytest.param("emulators", marks=pytest.mark.firestore)]
)
def own(request: pytest.FixtureRequest) -> Iterator[Stack]:
    """A stack with its own project, on a file or on the emulators of the tests' stack."""
    is_emulated = request.param == "emulators"
    options = ("--emulators",) if is_emulated else ()
    running = emulators().environment if is_emulated else {}
    with Stack(*options, environment={"GOOGLE_CLOUD_PROJECT": PROJECT, **running}) as own:
        yield own


@pytest.fixture
def cleanup(own: Stack, capsys: pytest.CaptureFixture[str]) -> Iterator[Command]:
    """Return a function that runs the command in this process."""
    before, arguments_before = dict(os.environ), sys.argv

    async def command(*arguments: str, project: str = PROJECT) -> tuple[int, str]:
        os.environ["GOOGLE_CLOUD_PROJECT"] = project
        sys.argv = ["cleanup", *arguments, "--port", str(own.ports.base)]
        status = await asyncio.to_thread(main)  # the command has its own event loop
        return status, capsys.readouterr().out

    yield command
    sys.argv = arguments_before
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture
async def database(own: Stack) -> AsyncIterator[Database]:
    """The database of the stack."""
    file = own.data / "liftlog.db"
    settings = DatabaseSettings(file=file) if file.exists() else firestore_settings(PROJECT)
    database = Database(settings)
    yield database
    await database.close()


async def test_schedule_is_shown_paused_and_resumed(cleanup: Command) -> None:
    _, status = await cleanup("status")
    assert "schedule        0 * * * * (Etc/UTC), enabled" in status
    assert (await cleanup("pause"))[0] == 0
    _, paused = await cleanup("status")
    assert "(Etc/UTC), paused" in paused
    assert "next  " not in paused
    assert (await cleanup("resume"))[0] == 0
    before = datetime.now(UTC)
    _, resumed = await cleanup("status")
    hours = [at + timedelta(hours=1) for at in (before, datetime.now(UTC))]
    assert any(f"next            {hour:%Y-%m-%d %H}:00:00 UTC" in resumed for hour in hours)


async def test_run_is_watched_until_it_has_ended(cleanup: Command, database: Database) -> None:
    clutter = SampleDocuments(database, datetime.now(UTC))
    async for _ in clutter.write_expiring(100):
        pass
    exit_status, output = await cleanup("run")
    assert exit_status == 0
    assert "10 events, 10 inbox, 10 rate_limits, 10 shared_items, 10 verifications" in output
    assert "(complete)" in output
    assert await clutter.remaining() == clutter.kept
    assert "complete" in (await cleanup("status"))[1]


async def test_scheduled_message_starts_a_run(
    own: Stack, database: Database, http: httpx.AsyncClient
) -> None:
    job = f"projects/{PROJECT}/locations/{LOCATION}/jobs/{JOB}"
    before = {run.id for run in await CleanupRuns(database).newest(100)}
    response = await http.post(f"{url(own.ports.fakes)}/scheduler/v1/{job}:run")
    assert response.json()["status"] == {}
    async with asyncio.timeout(300):
        while True:
            runs = [run for run in await CleanupRuns(database).newest(100) if run.ended_at]
            if new := {run.id for run in runs} - before:
                break
            await asyncio.sleep(0.05)
    assert len(new) == 1


@pytest.mark.parametrize(
    ("done", "outcome"),
    [
        (None, "in progress or killed"),
        (Pass(failed={"inbox"}), "failed: inbox; will be retried"),
        (Pass(unfinished={"events"}), "out of time: events; the next run continues"),
    ],
    ids=["in progress", "failed", "out of time"],
)
async def test_status_shows_the_outcome_of_a_run(
    cleanup: Command, database: Database, done: Pass | None, outcome: str
) -> None:
    runs, run_id, now = CleanupRuns(database), f"test-{uuid4()}", datetime.now(UTC)
    await runs.begin(run_id, now)
    if done is not None:
        await runs.add_pass(run_id, done, now)
    _, status = await cleanup("status")
    # The table is as wide as the terminal, and its cells have several lines.
    assert set(outcome.split()) <= set(status.split())


async def test_missing_job_is_reported_in_one_line(cleanup: Command) -> None:
    exit_status, output = await cleanup("status", project="another")
    assert exit_status == 1
    [line] = output.splitlines()
    assert line.startswith("error: ")


def test_command_reports_in_one_line_that_no_stack_runs() -> None:
    ports = free_ports()
    refused = run("cleanup", "status", "--port", str(ports.base))
    assert refused.returncode == 1
    [line] = refused.stdout.splitlines()
    assert f"no response at {HOST}:{ports.fakes}: start ./scripts/dev" in line
    assert refused.stderr == ""
