"""`./scripts/cleanup`: the schedule of the cleanup, what its runs did, and a run right now."""

import argparse
import asyncio
import sys
import time
from uuid import uuid4

from google.api_core.exceptions import GoogleAPICallError
from google.api_core.retry import Retry
from google.auth.exceptions import GoogleAuthError
from google.cloud.scheduler_v1 import Job
from rich.console import Console
from rich.table import Table

from scripts.local.ports import Ports
from scripts.operations.places import Place, on_google_cloud, on_this_machine
from shared.errors import DependencyUnavailable
from shared.store.cleanup_runs import CleanupRuns, Run

_TIMEOUT_S = 20
_RUNS_SHOWN = 5
_LOOK_EACH_S = 0.5
_LONGEST_S = 3600
_WORRY_AFTER_S = 60

console = Console(highlight=False, soft_wrap=True)


def main() -> int:
    """Do what the command line says; return the exit status."""
    options = _options()
    if options.project:
        where = f"the project {options.project}"
    else:
        where = f"./scripts/dev at port {options.port}"
    try:
        if options.project:
            place = on_google_cloud(options.project, options.location)
        else:
            place = on_this_machine(Ports(options.port))
        return int(_COMMANDS[options.command](place))
    except KeyboardInterrupt:
        console.print("no longer watched; the run goes on")
        return 130
    except (GoogleAPICallError, GoogleAuthError, DependencyUnavailable, OSError) as error:
        console.print(f"[red]{where} does not do that:[/] {_told(error)}", markup=True)
        if not options.project:
            console.print("Is ./scripts/dev running, and on that port?")
        return 1


def _told(error: Exception) -> str:
    return str(error).splitlines()[0][:300] or type(error).__name__


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="./scripts/cleanup",
        description="The schedule of the cleanup, what its runs did, and a run right now.",
        epilog="Without --project it is the cleanup of ./scripts/dev on this machine.",
    )
    parser.add_argument(
        "command",
        choices=_COMMANDS,
        help="status: the schedule and the last runs; run: clean up now, and watch; "
        "pause, resume: the schedule",
    )
    parser.add_argument("--project", metavar="P", help="a project on Google Cloud")
    parser.add_argument(
        "--location", metavar="L", default="us-central1", help="of its job (default: %(default)s)"
    )
    parser.add_argument(
        "--port", metavar="N", type=int, default=Ports.base, help="as given to ./scripts/dev"
    )
    return parser.parse_args()


def _status(place: Place) -> int:
    _show_job(place.scheduler.get_job(name=place.job, timeout=_TIMEOUT_S))
    runs = asyncio.run(CleanupRuns(place.database).newest(_RUNS_SHOWN))
    if not runs:
        console.print("no run in the last 30 days")
        return 0
    table = Table("started", "took", "parts", "deleted", "outcome", title_justify="left")
    for run in runs:
        took = f"{(run.ended_at - run.started_at).total_seconds():.1f} s" if run.ended_at else ""
        started = f"{run.started_at:%Y-%m-%d %H:%M:%S} UTC"
        table.add_row(started, took, str(run.parts_over), _deleted(run), _outcome(run))
    console.print(table)
    return 0


def _run(place: Place) -> int:
    job = place.scheduler.get_job(name=place.job, timeout=_TIMEOUT_S)
    topic = job.pubsub_target.topic_name
    run_id = f"by-hand-{uuid4()}"
    # The library's own retry would go on for ten minutes.
    place.publisher.publish(
        topic, b"", run=run_id, retry=Retry(timeout=_TIMEOUT_S), timeout=_TIMEOUT_S
    ).result(timeout=_TIMEOUT_S)
    console.print(f"run {run_id} was asked for; Ctrl-C stops watching it, not the run")
    run = asyncio.run(_watch(CleanupRuns(place.database), run_id))
    if run is None:
        console.print(
            "[red]nothing is known of it after an hour[/]: look at the log of the function "
            "cleanup, and at the topic's subscription"
        )
        return 1
    console.print(f"deleted {_deleted(run)} ({_outcome(run)})")
    return 1 if run.failed else 0


async def _watch(runs: CleanupRuns, run_id: str) -> Run | None:
    """Return the run when it has ended or failed; show what it does meanwhile."""
    begun = time.monotonic()
    with console.status("waiting for the function") as status:
        while (waited_s := time.monotonic() - begun) < _LONGEST_S:
            run = await runs.find(run_id)
            if run is not None:
                if run.ended_at is not None or run.failed:
                    return run
                status.update(f"{run.parts_over} parts so far: deleted {_deleted(run)}")
            elif waited_s > _WORRY_AFTER_S:
                status.update(f"nothing yet after {waited_s:.0f} s; a part may take a few minutes")
            await asyncio.sleep(_LOOK_EACH_S)
    return None


def _pause(place: Place) -> int:
    _show_job(place.scheduler.pause_job(name=place.job, timeout=_TIMEOUT_S))
    console.print("until 'resume' nothing is cleaned up, but Firestore's TTL policies go on")
    return 0


def _resume(place: Place) -> int:
    _show_job(place.scheduler.resume_job(name=place.job, timeout=_TIMEOUT_S))
    return 0


def _show_job(job: Job) -> None:
    console.print(f"schedule  {job.schedule} ({job.time_zone}), {job.state.name.lower()}")
    last = f"{job.last_attempt_time:%Y-%m-%d %H:%M:%S} UTC" if job.last_attempt_time else "never"
    failed = f", which failed: {job.status.message}" if job.status.code else ""
    console.print(f"last      {last}{failed}")
    if job.state == Job.State.ENABLED and job.schedule_time:
        console.print(f"next      {job.schedule_time:%Y-%m-%d %H:%M:%S} UTC")


def _deleted(run: Run) -> str:
    return ", ".join(f"{n:,} {kind}" for kind, n in sorted(run.deleted.items())) or "nothing"


def _outcome(run: Run) -> str:
    if run.failed:
        return f"failed: {', '.join(run.failed)}; will be tried again"
    return "complete" if run.ended_at else "goes on, or was cut off"


_COMMANDS = {"status": _status, "run": _run, "pause": _pause, "resume": _resume}


if __name__ == "__main__":
    sys.exit(main())
