"""A run of the cleanup: in parts, each short enough for one message."""

import logging
from collections.abc import Mapping
from datetime import datetime, timedelta
from uuid import uuid4

from functions.cleanup.sweep import Purge, sweep
from shared.errors import DependencyUnavailable
from shared.instants import now
from shared.store.cleanup_runs import CleanupRuns, Outcome, Part
from shared.telemetry import metrics
from shared.telemetry.signals import add
from shared.topic import Topic

logger = logging.getLogger(__name__)

_TRY_AGAIN_S = 60
_GIVE_UP_AFTER = timedelta(hours=1)


class Cleaner:
    """Does the parts of runs.

    A message may be delivered again, also while its first delivery is being worked on. Deleting
    twice is harmless; but only one delivery of each part sends for the next one, so that runs do
    not multiply.

    Args:
        purges: what is to be gone through, by the kind of document.
        runs: notes what was done.
        topic: where the next part is sent for.
        part_s: how long a part may take.
    """

    def __init__(
        self, purges: Mapping[str, Purge], runs: CleanupRuns, topic: Topic, part_s: float
    ) -> None:
        self._purges = purges
        self._runs = runs
        self._topic = topic
        self._part_s = part_s

    async def clean(self, part: Part, asked_at: datetime) -> None:
        """Do a part of a run, and send for the next one if there is more to do.

        Should the process end between noting that the part is over and sending for the next, the
        rest waits for the next run.

        Args:
            part: which part of which run.
            asked_at: when it was first asked for; after an hour there is a newer run.

        Raises:
            DependencyUnavailable: not everything could be gone through; the message is to be
                delivered again.
            InvalidRequest: it is not this part's turn.
        """
        started_at = now()
        if not await self._runs.begin(part, started_at):
            logger.info("part %d of run %s was done before", part.number, part.run_id)
            return
        swept = await sweep(self._purges, started_at, self._part_s)
        # To go on with what one cannot get on with would never end.
        is_stuck = bool(swept.unfinished) and not swept.deleted.total()
        failed = swept.failed | (swept.unfinished if is_stuck else set())
        outcome = Outcome(
            delivery=uuid4().hex,
            ended_at=now(),
            deleted=swept.deleted,
            has_more=bool(swept.unfinished),
            failed=tuple(sorted(failed)),
        )
        is_first = await self._runs.note(part, outcome)
        _tell(part, outcome, (outcome.ended_at - started_at).total_seconds())
        if outcome.failed:
            if now() - asked_at < _GIVE_UP_AFTER:
                raise DependencyUnavailable(", ".join(outcome.failed), _TRY_AGAIN_S)
            logger.error("gave up on %s: the next run tries again", ", ".join(outcome.failed))
        elif outcome.has_more and is_first:
            await self._continue(part, outcome)

    async def _continue(self, part: Part, outcome: Outcome) -> None:
        try:
            await self._topic.publish({"run": part.run_id, "part": str(part.number + 1)})
        except DependencyUnavailable as error:
            logger.warning("cannot send for the next part: %s", error.__cause__)
            await self._runs.reopen(part, outcome.delivery)
            raise


def _tell(part: Part, outcome: Outcome, took_s: float) -> None:
    for kind, count in outcome.deleted.items():
        add(metrics.DELETIONS, count, kind=kind)
    deleted = ", ".join(f"{count} {kind}" for kind, count in sorted(outcome.deleted.items()))
    completes_run = outcome.is_over and not outcome.has_more
    logger.info(
        "part %d of run %s deleted %s in %.1f s, and %s",
        part.number,
        part.run_id,
        deleted or "nothing",
        took_s,
        "that is all" if completes_run else "there is more",
        extra={
            "json_fields": {
                "run": part.run_id,
                "part": part.number,
                "deleted": outcome.deleted,
                "deleted_in_all": sum(outcome.deleted.values()),
                "completes_run": completes_run,
            }
        },
    )
