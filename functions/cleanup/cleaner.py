"""A run of the cleanup: one pass for each delivery of its message."""

import logging
import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from functions.cleanup.sweep import Purge, sweep
from shared.errors import DependencyUnavailable
from shared.store.cleanup_runs import CleanupRuns, Pass
from shared.telemetry import metrics
from shared.telemetry.signals import add
from shared.timestamps import now

logger = logging.getLogger(__name__)

_TRY_AGAIN_S = 60
_GIVE_UP_AFTER = timedelta(hours=1)


class Cleaner:
    """Makes the passes of runs. Two at once are harmless.

    Args:
        purges: all purges, by the kind of document.
        runs: the log of runs.
        for_s: the time limit of a pass. The rest is left to the next run.
        clock: measures that time, in seconds.
    """

    def __init__(
        self,
        purges: Mapping[str, Purge],
        runs: CleanupRuns,
        for_s: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._purges = purges
        self._runs = runs
        self._for_s = for_s
        self._clock = clock

    async def clean(self, run_id: str, asked_at: datetime) -> None:
        """Make a pass, unless the run has ended.

        Args:
            run_id: the run that the message belongs to.
            asked_at: when the message was published; after an hour there is a newer run.

        Raises:
            DependencyUnavailable: a kind failed, or the run cannot be noted. The message has to be
                delivered again.
        """
        started_at = now()
        if not await self._runs.begin(run_id, started_at):
            logger.info("run %s has ended before", run_id)
            return
        done = await sweep(self._purges, started_at, self._for_s, self._clock)
        ended_at = now()
        _log(run_id, done, (ended_at - started_at).total_seconds())
        await self._runs.note(run_id, done, ended_at)
        if not done.failed:
            return
        failed = ", ".join(sorted(done.failed))
        if ended_at - asked_at < _GIVE_UP_AFTER:
            raise DependencyUnavailable(failed, _TRY_AGAIN_S)
        logger.error("gave up on %s: the next run tries again", failed)


def _log(run_id: str, done: Pass, took_s: float) -> None:
    for kind, count in done.deleted.items():
        add(metrics.DELETIONS, count, kind=kind)
    deleted = ", ".join(f"{count} {kind}" for kind, count in sorted(done.deleted.items()))
    remaining = ", ".join(sorted(done.failed | done.unfinished))
    logger.info(
        "run %s deleted %s in %.1f s; not finished: %s",
        run_id,
        deleted or "nothing",
        took_s,
        remaining or "none",
        extra={
            "json_fields": {
                "run": run_id,
                "deleted": done.deleted,
                "deleted_in_all": done.deleted.total(),
                "completes_run": not remaining,
            }
        },
    )
