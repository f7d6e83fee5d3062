"""The gate of the canary: decides whether a new revision gets more traffic or none."""

from dataclasses import dataclass
from enum import Enum
from math import sqrt

# The reasons for these values are in `judge`.
_BASE_ERROR_RATIO = 0.01
_OLD_RATIO_FACTOR = 2
_MAX_ERROR_RATIO = 0.1
_MIN_REQUESTS = 50
_MIN_ERRORS = 3


@dataclass(frozen=True)
class RequestCounts:
    """Requests and errors of a revision since the canary began.

    Only statuses from 500 are errors. Statuses of 400 come from clients: wrong passwords, unknown
    ids, rate limits (429), disconnects (499). They depend on the clients, not on the revision. A
    conversation that ends normally counts as 101.
    """

    requests: int = 0
    errors: int = 0

    @property
    def error_ratio(self) -> float:
        """Errors per request; 0 without requests."""
        return self.errors / self.requests if self.requests else 0.0


class Decision(Enum):
    """The next step for a revision."""

    PROMOTE = "more traffic"
    WAIT = "same traffic"
    ROLL_BACK = "no traffic"


@dataclass(frozen=True)
class GateResult:
    """A decision, with its reason for the terminal."""

    decision: Decision
    reason: str


def judge(new: RequestCounts, old: RequestCounts, *, is_final: bool) -> GateResult:
    """Compare a new revision with the old one that serves beside it.

    The allowed error ratio is 1 %, or twice the old ratio if that is more, but at most 10 %: when
    all requests fail, the new revision cannot be judged either. Errors also occur by chance. So
    the new revision is rolled back only with at least three errors, and with more than the allowed
    number plus two standard deviations of a Poisson distribution. With n allowed errors the limit
    is n + 2 sqrt(n): at 1 %, three errors in 90 requests, five in 200, 17 in 1,000.

    At the final check, fewer than 50 requests are too few. Without an error the new revision is
    still promoted, because services with little traffic must be deployable. With one it is rolled
    back.

    More errors never improve the decision, and more requests without errors never worsen it.
    """
    tolerated = min(max(_BASE_ERROR_RATIO, _OLD_RATIO_FACTOR * old.error_ratio), _MAX_ERROR_RATIO)
    allowed = new.requests * tolerated
    is_chance = new.errors < _MIN_ERRORS or new.errors <= allowed + 2 * sqrt(allowed)
    counted = f"{new.errors} errors in {new.requests} requests"
    if not is_chance:
        ratios = f"{new.error_ratio:.1%}; old revision {old.error_ratio:.1%}"
        return GateResult(Decision.ROLL_BACK, f"{counted} ({ratios}, allowed {tolerated:.1%})")
    if not is_final:
        return GateResult(Decision.WAIT, counted)
    if new.requests >= _MIN_REQUESTS:
        return GateResult(Decision.PROMOTE, counted)
    # With few requests, chance and a defect look the same, so one error is enough.
    if new.errors:
        reason = f"{counted}; below {_MIN_REQUESTS} requests, no error is allowed"
        return GateResult(Decision.ROLL_BACK, reason)
    reason = f"{counted}; below {_MIN_REQUESTS} requests, but without an error"
    return GateResult(Decision.PROMOTE, reason)
