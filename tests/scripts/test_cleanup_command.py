"""`./scripts/cleanup`, on a stack of its own."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from scripts.benchmarks.clutter import Clutter
from scripts.local.ports import HOST
from scripts.local.stack import Stack, free_ports
from shared.settings import StoreSettings
from shared.store.client import Database
from tests import stack
from tests.scripts.test_commands import run

PROJECT = f"cleanup-command-{uuid4()}"


@pytest.fixture(scope="module")
def own() -> Iterator[Stack]:
    """A stack with a project of its own, on the emulators of the tests' stack."""
    with Stack(environment={"GOOGLE_CLOUD_PROJECT": PROJECT}) as own:
        yield own


def cleanup(own: Stack, *arguments: str) -> str:
    """Return what the command says; it has to succeed."""
    finished = run(
        "cleanup", *arguments, "--port", str(own.ports.base),
        environment={"GOOGLE_CLOUD_PROJECT": PROJECT},
    )  # fmt: skip
    assert finished.returncode == 0, finished.stdout + finished.stderr
    return finished.stdout


def test_the_schedule_can_be_seen_paused_and_resumed(own: Stack) -> None:
    assert "schedule        0 * * * * (Etc/UTC), enabled" in cleanup(own, "status")
    assert "paused" in cleanup(own, "pause")
    paused = cleanup(own, "status")
    assert "paused" in paused
    assert "next" not in paused
    assert "enabled" in cleanup(own, "resume")
    next_hour = datetime.now(UTC) + timedelta(hours=1)
    status = cleanup(own, "status")
    assert f"next            {next_hour:%Y-%m-%d %H}:00:00 UTC" in status or "enabled" in status


async def test_a_run_by_hand_is_watched_until_it_has_ended(own: Stack) -> None:
    emulator = f"{HOST}:{stack.current().firestore}"
    database = Database(StoreSettings(project=PROJECT, emulator_host=emulator))
    clutter = Clutter(database, datetime.now(UTC))
    async for _ in clutter.scatter(100):
        pass
    said = await asyncio.to_thread(cleanup, own, "run")
    assert "10 events, 10 inbox, 10 rate_limits, 10 shared_items, 10 verifications" in said
    assert "(complete)" in said
    assert await clutter.left() == clutter.kept
    assert "complete" in await asyncio.to_thread(cleanup, own, "status")


def test_where_nothing_runs_it_says_so_in_one_line() -> None:
    ports = free_ports()
    refused = run("cleanup", "status", "--port", str(ports.base))
    assert refused.returncode == 1
    [line] = refused.stdout.splitlines()
    assert f"nothing answers at {HOST}:{ports.stand_ins}: start ./scripts/dev" in line
    assert refused.stderr == ""


def test_a_job_that_is_not_there_is_said_so_in_one_line(own: Stack) -> None:
    elsewhere = run(
        "cleanup", "status", "--port", str(own.ports.base),
        environment={"GOOGLE_CLOUD_PROJECT": "another"},
    )  # fmt: skip
    assert elsewhere.returncode == 1
    [line] = elsewhere.stdout.splitlines()
    assert "that did not work" in line
    assert elsewhere.stderr == ""
