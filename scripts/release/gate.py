"""The gate of the canary: whether a new revision may have more traffic, or loses what it has."""

from dataclasses import dataclass
from enum import Enum
from math import sqrt

_TOLERATED = 0.01
_TIMES_THE_OLD = 2
_NEVER_TOLERATED = 0.1
_ENOUGH = 50
_FEWEST_ERRORS = 3


@dataclass(frozen=True)
class Counts:
    """What a revision has answered since the canary began.

    Only statuses from 500 are errors. Those of 400 are the clients': wrong passwords, unknown ids,
    limits that were reached (429), apps that hung up (499). Their number says more of who happens
    to ask than of the revision. A chat that ends well counts as 101.
    """

    requests: int = 0
    errors: int = 0

    @property
    def share(self) -> float:
        """The share of errors; 0 without requests."""
        return self.errors / self.requests if self.requests else 0.0


class Decision(Enum):
    """What comes next."""

    GO_ON = "goes on"
    WAIT = "is watched"
    RETURN = "is returned"


@dataclass(frozen=True)
class Verdict:
    """A decision, and its reason for people."""

    decision: Decision
    reason: str


def judge(new: Counts, old: Counts, *, is_last_look: bool) -> Verdict:
    """Compare a new revision with the old one that serves beside it.

    The new one may have a share of errors of 1 %, or twice the old one's if that is more, and
    never more than 10 %: while everything fails, nothing can be said for the new one either. Since
    errors come by chance, too, the new one is returned when there are at least three and more than
    that share allows by two standard deviations of a Poisson distribution: with n allowed, more
    than n + 2 sqrt(n). At 1 % that is three of 90 requests, five of 200, seventeen of 1,000.

    At the last look fewer than 50 requests tell nothing: without any error the new one goes on, for
    services that hardly anybody asks must be deployable, too; with one it is returned.

    More errors never help a revision, and more requests without errors never harm it.
    """
    tolerated = min(max(_TOLERATED, _TIMES_THE_OLD * old.share), _NEVER_TOLERATED)
    allowed = new.requests * tolerated
    is_chance = new.errors < _FEWEST_ERRORS or new.errors <= allowed + 2 * sqrt(allowed)
    said = f"{new.errors} errors in {new.requests} requests"
    if not is_chance:
        compared = f"{said} ({new.share:.1%}); the old one has {old.share:.1%}"
        return Verdict(Decision.RETURN, f"{compared}, and {tolerated:.1%} would do")
    if not is_last_look:
        return Verdict(Decision.WAIT, said)
    if new.requests >= _ENOUGH:
        return Verdict(Decision.GO_ON, said)
    few = f"{said} are too few to tell"
    if new.errors:
        return Verdict(Decision.RETURN, f"{few}, and not all went well")
    return Verdict(Decision.GO_ON, f"{few}, but nothing went wrong")
