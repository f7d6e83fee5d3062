"""The sliding window; pure.

Of the requests that passed, those of the last 24 hours are kept as instants. A request passes while
there are fewer than the limit, so that never more than that many pass in any 24 hours, and each
place becomes free exactly 24 hours after it was taken.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

WINDOW = timedelta(hours=24)


@dataclass(frozen=True)
class Verdict:
    """Whether a request passes, and what is to be kept."""

    passed: tuple[datetime, ...]
    """The requests of the window, oldest first; with this one if it passes."""

    free_at: datetime | None
    """None: the request passes. Otherwise when the next one will."""


def admit(passed: Sequence[datetime], now: datetime, limit: int) -> Verdict:
    """Judge a request at `now`, after those that `passed`."""
    live = sorted(at for at in passed if at > now - WINDOW)
    if len(live) < limit:
        return Verdict((*live, now), free_at=None)
    return Verdict(tuple(live), free_at=live[-limit] + WINDOW)
