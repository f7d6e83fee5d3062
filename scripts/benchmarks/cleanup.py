"""One run of the cleanup over many documents: deletions per second, memory."""

import asyncio
import time
from datetime import UTC, datetime
from uuid import uuid4

import httpx
from rich.progress import Progress

from scripts.benchmarks.clutter import Clutter
from scripts.benchmarks.memory import forget_peak, peak_mib, worker
from scripts.benchmarks.report import console, show
from scripts.local.services import PROJECT, Emulators
from scripts.local.stack import OWN_EMULATORS, Stack
from shared.store.cleanup_runs import CleanupRuns, Run
from shared.store.database import Database
from shared.store.settings import DatabaseSettings

_COUNTS = (10_000, 50_000)
_LOOK_EACH_S = 0.2
_LONGEST_S = 600


async def _publish(emulators: Emulators, run_id: str) -> None:
    topic = f"projects/{PROJECT}/topics/{emulators.topic}"
    async with httpx.AsyncClient() as http:
        answer = await http.post(
            f"http://{emulators.pubsub}/v1/{topic}:publish",
            json={"messages": [{"attributes": {"run": run_id}}]},
        )
        answer.raise_for_status()


async def _cleaned(database: Database, emulators: Emulators) -> Run:
    """Ask for a run, and return it when it has ended."""
    runs, run_id = CleanupRuns(database), f"benchmark-{uuid4()}"
    await _publish(emulators, run_id)
    async with asyncio.timeout(_LONGEST_S):
        while True:
            run = await runs.find(run_id)
            if run is not None and run.ended_at is not None:
                return run
            await asyncio.sleep(_LOOK_EACH_S)


async def _measure(stack: Stack, count: int) -> tuple[str, ...]:
    emulators = Emulators.of(stack.ports)
    settings = DatabaseSettings(
        project=PROJECT, emulator_host=emulators.firestore, attempt_timeout_s=60
    )
    database = Database(settings)
    clutter = Clutter(database, datetime.now(UTC))
    with Progress(console=console) as progress:
        bar = progress.add_task(f"writing {count:,} documents", total=count)
        async for written in clutter.scatter(count):
            progress.advance(bar, written)
    pid = worker(stack, "cleanup")
    forget_peak(pid)
    begun = time.perf_counter()
    with console.status("cleaning up"):
        run = await _cleaned(database, emulators)
    took_s = time.perf_counter() - begun
    deleted = run.deleted.total()
    is_exact = await clutter.left() == clutter.kept
    await _wipe(emulators)
    return (
        f"{count:,}",
        f"{deleted:,}",
        "yes" if is_exact else "NO",
        f"{took_s:.1f} s",
        f"{deleted / took_s:,.0f}",
        f"{peak_mib(pid):.0f} MiB",
    )


async def _wipe(emulators: Emulators) -> None:
    documents = f"emulator/v1/projects/{PROJECT}/databases/(default)/documents"
    async with httpx.AsyncClient(timeout=120) as http:
        (await http.delete(f"http://{emulators.firestore}/{documents}")).raise_for_status()


async def _run() -> None:
    console.print("starting a stack ...")
    with Stack("--isolated", environment=OWN_EMULATORS) as stack:
        rows = [await _measure(stack, count) for count in _COUNTS]
    show(
        "One run of the cleanup; every second document has expired",
        (
            "documents",
            "deleted",
            "the right ones",
            "took",
            "per second",
            "peak RSS of the worker",
        ),
        rows,
    )


def main() -> None:
    """Measure and print."""
    asyncio.run(_run())
