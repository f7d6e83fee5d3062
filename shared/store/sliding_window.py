"""A sliding window of 24 hours; pure.

The window holds the times of the requests that passed in the last 24 hours. A request passes while
the window holds fewer requests than the limit. So at most that many requests pass in any 24 hours,
and each of them makes room exactly 24 hours after it passed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

WINDOW = timedelta(hours=24)


@dataclass(frozen=True)
class Decision:
    """Whether a request passes, and the window after it."""

    passed: tuple[datetime, ...]
    """The requests of the window, oldest first. Includes this request if it passes."""

    free_at: datetime | None
    """None: the request passes. Otherwise the time at which the next request passes."""


def admit(passed: Sequence[datetime], now: datetime, limit: int) -> Decision:
    """Decide about a request at `now`, after the requests that `passed`."""
    # The clocks of instances differ, so the stored times may be out of order.
    live = sorted(at for at in passed if at > now - WINDOW)
    if len(live) < limit:
        return Decision((*live, now), free_at=None)
    # After a lowered limit the window holds too many: all above the limit have to leave first.
    return Decision(tuple(live), free_at=live[-limit] + WINDOW)
