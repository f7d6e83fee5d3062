"""The work for a message of the cleanup: one pass, its log line and its record."""

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

_RETRY_AFTER_S = 60
# The scheduler publishes every hour, so an older message has a newer run. Without this limit an
# outage would move messages to the dead letters, which are for messages that can never succeed.
_MAX_MESSAGE_AGE = timedelta(hours=1)


class Cleaner:
    """Makes passes. Two at the same time are harmless.

    Args:
        purges: all purges, by the kind of document.
        runs: the log of the runs.
        time_limit_s: the time limit of a pass. The next run continues.
        clock: measures the time of a pass, in seconds.
    """

    def __init__(
        self,
        purges: Mapping[str, Purge],
        runs: CleanupRuns,
        time_limit_s: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._purges = purges
        self._runs = runs
        self._time_limit_s = time_limit_s
        self._clock = clock

    async def clean(self, run_id: str, published_at: datetime) -> None:
        """Make a pass, unless the run has ended.

        Args:
            run_id: the id of the run, the same for each delivery of its message.
            published_at: the time at which the message was published.

        Raises:
            DependencyUnavailable: a purge failed, or the pass cannot be recorded. Pub/Sub has to
                deliver the message again.
        """
        started_at = now()
        if not await self._runs.begin(run_id, started_at):
            logger.info("run %s has already ended", run_id)
            return
        result = await sweep(self._purges, started_at, self._time_limit_s, self._clock)
        ended_at = now()
        # Before the record: if that fails, the log still contains the deletions.
        _log(run_id, result, (ended_at - started_at).total_seconds())
        await self._runs.add_pass(run_id, result, ended_at)
        if not result.failed:
            return
        failed = ", ".join(sorted(result.failed))
        if ended_at - published_at < _MAX_MESSAGE_AGE:
            raise DependencyUnavailable(failed, _RETRY_AFTER_S)
        logger.error("gave up on %s after one hour; the next run retries", failed)


def _log(run_id: str, result: Pass, duration_s: float) -> None:
    for kind, count in result.deleted.items():
        add(metrics.DELETIONS, count, kind=kind)
    deleted = ", ".join(f"{count} {kind}" for kind, count in sorted(result.deleted.items()))
    remaining = ", ".join(sorted(result.failed | result.unfinished))
    # The log-based metrics in infra/modules/monitoring/metrics.tf read these fields.
    logger.info(
        "run %s deleted %s in %.1f s; not finished: %s",
        run_id,
        deleted or "nothing",
        duration_s,
        remaining or "none",
        extra={
            "json_fields": {
                "run": run_id,
                "deleted": result.deleted,
                "deleted_in_all": result.deleted.total(),
                "completes_run": not remaining,
            }
        },
    )
