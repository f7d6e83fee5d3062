"""The cleanup's schedule and its runs, as an operator sees and steers them."""

import asyncio
import time
from datetime import datetime
from uuid import uuid4

from google.api_core.retry import Retry
from google.cloud.scheduler_v1 import Job
from rich.console import Console
from rich.table import Table

from scripts.admin.places import Place
from shared.errors import DependencyUnavailable
from shared.store.cleanup_runs import CleanupRuns, Run

_TIMEOUT_S = 20
_RUNS_SHOWN = 5
_LOOK_EACH_S = 0.5
_LONGEST_S = 3600
_INTERRUPTED = 130


class Schedule:
    """The cleanup of one place. Every command returns its exit status."""

    def __init__(self, place: Place, console: Console) -> None:
        self._place = place
        self._console = console

    def status(self) -> int:
        """Show the schedule and the last runs."""
        self._show(self._job())
        runs = asyncio.run(CleanupRuns(self._place.database).newest(_RUNS_SHOWN))
        if not runs:
            self._console.print("no run in the last 30 days")
            return 0
        table = Table("started", "took", "deleted", "outcome")
        table.add_column("run", overflow="fold")  # to search the log for
        for run in runs:
            took = (
                f"{(run.ended_at - run.started_at).total_seconds():.1f} s" if run.ended_at else ""
            )
            cells = took, _deleted(run), _outcome(run), run.id
            table.add_row(_written(run.started_at), *cells)
        self._console.print(table)
        return 0

    def run(self) -> int:
        """Ask for a run, and watch it until it has ended."""
        run_id = f"by-hand-{uuid4().hex[:12]}"
        # The library's own retry would go on for ten minutes.
        self._place.publisher.publish(
            self._job().pubsub_target.topic_name,
            b"",
            run=run_id,
            retry=Retry(timeout=_TIMEOUT_S),
            timeout=_TIMEOUT_S,
        ).result(timeout=_TIMEOUT_S)
        self._console.print(f"run {run_id} was asked for; Ctrl-C stops watching it, not the run")
        try:
            run = asyncio.run(self._watch(run_id))
        except KeyboardInterrupt:
            self._console.print("no longer watched; the run goes on")
            return _INTERRUPTED
        except DependencyUnavailable as error:
            self._console.print(
                f"[red]it cannot be watched: {error}[/]; what becomes of it, 'status' will tell",
                markup=True,
            )
            return 1
        if run is None:
            self._console.print(
                "[red]it has not ended within an hour[/]: look at the log of the function "
                "cleanup, and at the subscription of its trigger",
                markup=True,
            )
            return 1
        self._console.print(f"deleted {_deleted(run)} ({_outcome(run)})")
        return 1 if run.failed else 0

    def pause(self) -> int:
        """Let the schedule ask for no more runs."""
        self._show(self._place.scheduler.pause_job(name=self._place.job, timeout=_TIMEOUT_S))
        self._console.print(
            "no run begins by itself until 'resume'; one that is under way goes on, see 'status'"
        )
        return 0

    def resume(self) -> int:
        """Let the schedule go on."""
        self._show(self._place.scheduler.resume_job(name=self._place.job, timeout=_TIMEOUT_S))
        return 0

    def _job(self) -> Job:
        return self._place.scheduler.get_job(name=self._place.job, timeout=_TIMEOUT_S)

    async def _watch(self, run_id: str) -> Run | None:
        """Return the run when it has ended or failed; None if it has not after an hour."""
        runs = CleanupRuns(self._place.database)
        begun = time.monotonic()
        with self._console.status("waiting for the function") as status:
            while (waited_s := time.monotonic() - begun) < _LONGEST_S:
                run = await runs.find(run_id)
                if run is not None and (run.ended_at is not None or run.failed):
                    return run
                state = "has not begun" if run is None else "is under way"
                status.update(f"the run {state}, after {waited_s:.0f} s")
                await asyncio.sleep(_LOOK_EACH_S)
        return None

    def _show(self, job: Job) -> None:
        state = job.state.name.lower()
        self._console.print(f"schedule        {job.schedule} ({job.time_zone}), {state}")
        last = _written(job.last_attempt_time) if job.last_attempt_time else "never"
        failed = f", which failed: {job.status.message}" if job.status.code else ""
        self._console.print(f"last scheduled  {last}{failed}")
        if job.state == Job.State.ENABLED and job.schedule_time:
            self._console.print(f"next            {_written(job.schedule_time)}")


def _written(instant: datetime) -> str:
    return f"{instant:%Y-%m-%d %H:%M:%S} UTC"


def _deleted(run: Run) -> str:
    return ", ".join(f"{n:,} {kind}" for kind, n in sorted(run.deleted.items())) or "nothing"


def _outcome(run: Run) -> str:
    if run.failed:
        return f"failed: {', '.join(run.failed)}; will be tried again"
    if run.unfinished:
        return f"out of time: {', '.join(run.unfinished)}; the next run continues"
    return "complete" if run.ended_at else "under way, or cut off"
