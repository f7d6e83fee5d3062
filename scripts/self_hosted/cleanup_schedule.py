"""The schedule of the cleanup: at each full hour, in place of Cloud Scheduler and Pub/Sub."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from shared.errors import DependencyUnavailable
from shared.store.cleanup_runs import CleanupRuns
from shared.timestamps import now as time_now

logger = logging.getLogger(__name__)

_HOUR = timedelta(hours=1)
_MIN_PAUSE_S, _MAX_PAUSE_S = 60, 600
# Timers stop while a machine is suspended, and its clock can be set, so check the clock often.
_MAX_SLEEP_S = 300


class CleanupSchedule:
    """Starts a run at each full hour, and once at the start if the last run is old.

    Args:
        clean: makes a pass of a run. Takes the run's id and the time of its start.
        runs: the log of the runs.
        now: the clock.
        sleep: waits for a number of seconds.
    """

    def __init__(
        self,
        clean: Callable[[str, datetime], Awaitable[None]],
        runs: CleanupRuns,
        now: Callable[[], datetime] = time_now,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._clean = clean
        self._runs = runs
        self._now = now
        self._sleep = sleep

    async def run(self) -> None:
        """Run the cleanup on its schedule, until the task is cancelled."""
        if await self._is_due():
            await self._make_run()
        while True:
            await self._sleep_until(next_hour(self._now()))
            await self._make_run()

    async def _is_due(self) -> bool:
        """Whether the last run is older than an hour, or was interrupted."""
        try:
            newest = await self._runs.newest(1)
        except DependencyUnavailable:
            return True  # the run tries again
        return (
            not newest or newest[0].ended_at is None or self._now() - newest[0].started_at > _HOUR
        )

    async def _make_run(self) -> None:
        """Make passes until one succeeds or the next run is near, with the pauses of Pub/Sub."""
        started_at = self._now()
        pause_s = _MIN_PAUSE_S
        while not await self._try_pass(f"{started_at:%Y-%m-%dT%H:%M:%SZ}", started_at):
            if self._now() + timedelta(seconds=pause_s) >= next_hour(started_at):
                logger.error("gave up the cleanup; the run at the next full hour retries")
                return
            await self._sleep(pause_s)
            pause_s = min(2 * pause_s, _MAX_PAUSE_S)

    async def _try_pass(self, run_id: str, started_at: datetime) -> bool:
        """Make a pass; return whether the run has ended."""
        try:
            await self._clean(run_id, started_at)
        except DependencyUnavailable as error:
            logger.warning("a pass of the cleanup failed: %s", str(error))
            return False
        except Exception:
            # An error in the code must not end the schedule.
            logger.exception("a pass of the cleanup failed")
            return False
        return True

    async def _sleep_until(self, instant: datetime) -> None:
        while (left_s := (instant - self._now()).total_seconds()) > 0:
            await self._sleep(min(left_s, _MAX_SLEEP_S))


def next_hour(now: datetime) -> datetime:
    """Return the first full hour after `now`."""
    return now.replace(minute=0, second=0, microsecond=0) + _HOUR
