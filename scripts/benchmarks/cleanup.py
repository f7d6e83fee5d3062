"""One run of the cleanup over many documents: deletions per second and memory."""

import asyncio
import time
from datetime import UTC, datetime
from uuid import uuid4

import httpx
from rich.progress import Progress

from scripts.benchmarks.memory import find_worker, peak_mib, reset_peak
from scripts.benchmarks.report import console, show
from scripts.benchmarks.sample_documents import SampleDocuments
from scripts.local.services import PROJECT, Emulators
from scripts.local.stack import OWN_EMULATORS, Stack
from shared.store.cleanup_runs import CleanupRuns, Run
from shared.store.database import Database
from shared.store.settings import DatabaseSettings

_COUNTS = (10_000, 50_000)
_POLL_INTERVAL_S = 0.2
_TIMEOUT_S = 600


async def _publish(emulators: Emulators, run_id: str) -> None:
    topic = f"projects/{PROJECT}/topics/{emulators.topic}"
    async with httpx.AsyncClient() as http:
        response = await http.post(
            f"http://{emulators.pubsub}/v1/{topic}:publish",
            json={"messages": [{"attributes": {"run": run_id}}]},
        )
        response.raise_for_status()


async def _clean(database: Database, emulators: Emulators) -> Run:
    """Start a run; return it when it has ended."""
    runs, run_id = CleanupRuns(database), f"benchmark-{uuid4()}"
    await _publish(emulators, run_id)
    async with asyncio.timeout(_TIMEOUT_S):
        while True:
            run = await runs.find(run_id)
            if run is not None and run.ended_at is not None:
                return run
            await asyncio.sleep(_POLL_INTERVAL_S)


async def _measure(stack: Stack, count: int) -> tuple[str, ...]:
    emulators = Emulators.of(stack.ports)
    # The emulator takes long for a batch of documents, so requests have a longer deadline here.
    settings = DatabaseSettings(
        project=PROJECT, emulator_host=emulators.firestore, attempt_timeout_s=60
    )
    database = Database(settings)
    documents = SampleDocuments(database, datetime.now(UTC))
    with Progress(console=console) as progress:
        bar = progress.add_task(f"writing {count:,} documents", total=count)
        async for written in documents.write_expiring(count):
            progress.advance(bar, written)
    pid = find_worker(stack, "cleanup")
    # The peak so far includes the start of the process.
    reset_peak(pid)
    start = time.perf_counter()
    with console.status("running the cleanup"):
        run = await _clean(database, emulators)
    total_s = time.perf_counter() - start
    deleted = run.deleted.total()
    is_exact = await documents.remaining() == documents.kept
    # The next measurement starts with an empty database.
    await _delete_all(emulators)
    return (
        f"{count:,}",
        f"{deleted:,}",
        "yes" if is_exact else "NO",
        f"{total_s:.1f} s",
        f"{deleted / total_s:,.0f}",
        f"{peak_mib(pid):.0f} MiB",
    )


async def _delete_all(emulators: Emulators) -> None:
    documents = f"emulator/v1/projects/{PROJECT}/databases/(default)/documents"
    async with httpx.AsyncClient(timeout=120) as http:
        (await http.delete(f"http://{emulators.firestore}/{documents}")).raise_for_status()


async def _run() -> None:
    console.print("starting a stack ...")
    with Stack("--isolated", "--emulators", environment=OWN_EMULATORS) as stack:
        rows = [await _measure(stack, count) for count in _COUNTS]
    show(
        "One run of the cleanup; half of the documents have expired",
        (
            "documents",
            "deleted",
            "as expected",
            "time",
            "per second",
            "peak RSS of the worker",
        ),
        rows,
    )


def main() -> None:
    """Run the measurement and print the result."""
    asyncio.run(_run())
