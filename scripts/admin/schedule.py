"""The schedule of the cleanup and its runs, for `./scripts/cleanup`."""

import asyncio
import time
from datetime import datetime
from uuid import uuid4

from google.cloud.scheduler_v1 import Job
from rich.console import Console
from rich.table import Table

from scripts.admin.deployments import Deployment
from shared.errors import DependencyUnavailable
from shared.store.cleanup_runs import CleanupRuns, Run

_TIMEOUT_S = 20
_MAX_RUNS_SHOWN = 5
_POLL_INTERVAL_S = 0.5
_WATCH_TIMEOUT_S = 3600
_INTERRUPTED_STATUS = 130


class Schedule:
    """The cleanup of one deployment. Every command returns its exit status."""

    def __init__(self, deployment: Deployment, console: Console) -> None:
        self._deployment = deployment
        self._console = console

    def status(self) -> int:
        """Show the schedule and the last runs."""
        self._show(self._job())
        runs = asyncio.run(CleanupRuns(self._deployment.database).newest(_MAX_RUNS_SHOWN))
        if not runs:
            # Records of runs expire after 30 days.
            self._console.print("no run in the last 30 days")
            return 0
        table = Table("started", "took", "deleted", "outcome")
        # Folded, never cut off: the logs of a run are found by its full id.
        table.add_column("run", overflow="fold")
        for run in runs:
            took = (
                f"{(run.ended_at - run.started_at).total_seconds():.1f} s" if run.ended_at else ""
            )
            cells = took, _format_deleted(run), _outcome(run), run.id
            table.add_row(_format_time(run.started_at), *cells)
        self._console.print(table)
        return 0

    def run(self) -> int:
        """Start a run, and watch it until it ends."""
        run_id = f"by-hand-{uuid4().hex[:12]}"
        self._deployment.publish(self._job().pubsub_target.topic_name, run_id)
        self._console.print(f"run {run_id} requested; Ctrl-C ends the watch, not the run")
        try:
            run = asyncio.run(self._watch(run_id))
        except KeyboardInterrupt:
            self._console.print("watch ended; the run continues")
            return _INTERRUPTED_STATUS
        except DependencyUnavailable as error:
            self._console.print(
                f"[red]cannot watch the run: {error}[/]; 'status' shows its outcome later",
                markup=True,
            )
            return 1
        if run is None:
            self._console.print(
                "[red]the run has not ended within an hour[/]: see the log of the function "
                "cleanup, and the subscription of its trigger",
                markup=True,
            )
            return 1
        self._console.print(f"deleted {_format_deleted(run)} ({_outcome(run)})")
        return 1 if run.failed else 0

    def pause(self) -> int:
        """Pause the schedule."""
        job = self._deployment.job
        self._show(self._deployment.scheduler.pause_job(name=job, timeout=_TIMEOUT_S))
        self._console.print(
            "no scheduled run starts until 'resume'; a current run continues, see 'status'"
        )
        return 0

    def resume(self) -> int:
        """Resume the schedule."""
        job = self._deployment.job
        self._show(self._deployment.scheduler.resume_job(name=job, timeout=_TIMEOUT_S))
        return 0

    def _job(self) -> Job:
        return self._deployment.scheduler.get_job(name=self._deployment.job, timeout=_TIMEOUT_S)

    async def _watch(self, run_id: str) -> Run | None:
        """Return the run when it has ended or failed; None after an hour."""
        runs = CleanupRuns(self._deployment.database)
        began = time.monotonic()
        with self._console.status("waiting for the function") as status:
            while (waited_s := time.monotonic() - began) < _WATCH_TIMEOUT_S:
                run = await runs.find(run_id)
                # A failed run is redelivered and may end later. The operator does not wait for it.
                if run is not None and (run.ended_at is not None or run.failed):
                    return run
                state = "not started" if run is None else "in progress"
                status.update(f"run {state}, after {waited_s:.0f} s")
                await asyncio.sleep(_POLL_INTERVAL_S)
        return None

    def _show(self, job: Job) -> None:
        state = job.state.name.lower()
        self._console.print(f"schedule        {job.schedule} ({job.time_zone}), {state}")
        last = _format_time(job.last_attempt_time) if job.last_attempt_time else "never"
        failed = f", failed: {job.status.message}" if job.status.code else ""
        self._console.print(f"last scheduled  {last}{failed}")
        if job.state == Job.State.ENABLED and job.schedule_time:
            self._console.print(f"next            {_format_time(job.schedule_time)}")


def _format_time(instant: datetime) -> str:
    return f"{instant:%Y-%m-%d %H:%M:%S} UTC"


def _format_deleted(run: Run) -> str:
    return ", ".join(f"{n:,} {kind}" for kind, n in sorted(run.deleted.items())) or "nothing"


def _outcome(run: Run) -> str:
    if run.failed:
        return f"failed: {', '.join(run.failed)}; will be retried"
    if run.unfinished:
        return f"out of time: {', '.join(run.unfinished)}; the next run continues"
    return "complete" if run.ended_at else "in progress or killed"
