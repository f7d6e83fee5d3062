"""What can go wrong in a way that a client may be told about; everything else is a bug.

LiftLogError
├─ InvalidRequest            outside the contract; the caller must change it (shared/web)
│  └─ RequestTooLarge        larger than any valid request could be
├─ NotAuthenticated          wrong password (shared/auth/sign_in.py)
│  └─ NotEntitled            no valid purchase token (shared/purchases/authenticator.py)
├─ NotFound                  never existed, deleted or expired: the caller cannot tell which
├─ RateLimited               too many requests have passed (shared/store/quotas.py)
└─ DependencyUnavailable     no answer from a dependency; a later request may succeed
   │                         (shared/store/calls.py, shared/purchases/provider_api.py,
   │                         shared/clients/secrets.py, shared/planner/model.py)
   ├─ DependencyFailed       it answered with an error of its own, or with nothing that is of use
   ├─ DependencyTimedOut     no answer in time
   └─ Overloaded             too many passwords to hash, megabytes to move or purchases to verify
                             (shared/concurrency/limiter.py), or writers of one document
                             (shared/store/optimistic_update.py)

Messages name what is wrong and never the value: no input, secret or payload may reach them.
"""

from collections.abc import Sequence
from typing import NamedTuple


class FieldProblem(NamedTuple):
    """One thing that is wrong with one field of a request."""

    field: str
    message: str


class LiftLogError(Exception):
    """The family's root; its message may be shown to a client."""


class InvalidRequest(LiftLogError):
    """The request is outside the contract."""

    def __init__(self, message: str, problems: Sequence[FieldProblem] = ()) -> None:
        super().__init__(message)
        self.problems = tuple(problems)


class RequestTooLarge(InvalidRequest):
    """The body is larger than any valid request of its route could be."""


class NotAuthenticated(LiftLogError):
    """The caller is not who they say they are."""


class NotEntitled(NotAuthenticated):
    """No purchase is proven; `was_presented` tells a rejected token from none at all."""

    def __init__(self, message: str, *, was_presented: bool = True) -> None:
        super().__init__(message)
        self.was_presented = was_presented


class NotFound(LiftLogError):
    """There is no such thing, or no longer."""


class RateLimited(LiftLogError):
    """The caller has used up what is theirs for now; the next request passes after some seconds."""

    def __init__(self, retry_after_s: int) -> None:
        super().__init__("too many requests in 24 hours")
        self.retry_after_s = retry_after_s


class DependencyUnavailable(LiftLogError):
    """Something that we need did not answer, so we do not know; ask again after some seconds."""

    _says = "{} is unavailable at the moment"

    def __init__(self, what: str, retry_after_s: int) -> None:
        super().__init__(self._says.format(what))
        self.retry_after_s = retry_after_s


class DependencyFailed(DependencyUnavailable):
    """A dependency gave no usable answer."""

    _says = "{} gave no usable answer"


class DependencyTimedOut(DependencyUnavailable):
    """A dependency took longer than its deadline."""


class Overloaded(DependencyUnavailable):
    """More work is waiting than can be done in time; `what` is it that there is too much of."""

    _says = "too many {} at the moment"
