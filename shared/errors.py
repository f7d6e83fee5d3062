"""Errors that a client may receive. Any other exception is a bug.

LiftLogError
├─ InvalidRequest            Violates the contract; the caller must change it (shared/web).
│  └─ RequestTooLarge        Larger than any valid request.
├─ NotAuthenticated          Wrong password (shared/auth/sign_in.py).
│  └─ NotEntitled            No valid purchase token, API key or forwarded user
│                            (shared/web/callers.py).
├─ NotFound                  Never existed, deleted or expired. The response gives no reason.
├─ RateLimited               The limit of requests is reached (shared/store/quotas.py).
├─ FeatureDisabled           The operator switched the feature off (shared/web/features.py).
├─ FeatureNotConfigured      The server lacks a setting of the feature (shared/web/features.py).
│  └─ BackupsNotConfigured   The server has no place for backups.
├─ QuotaExceeded             The backup is larger than all backups of a user may be
│                            (shared/backups/backups.py).
├─ RangeNotSatisfiable       The range is outside of the content (shared/web/download.py).
└─ DependencyUnavailable     No response from a dependency; a retry may succeed
   │                         (shared/store/calls.py, shared/purchases/provider_api.py,
   │                         shared/clients/secrets.py, shared/planner/model.py).
   ├─ DependencyFailed       The dependency returned an error or an invalid response.
   │  ├─ ResponseTooLong     The response ended at the limit of its length.
   │  └─ RequestTooLong      The dependency rejected the request because of its length.
   ├─ DependencyTimedOut     No response before the deadline.
   └─ Overloaded             No free slot for password hashing, large transfers or purchase
                             verification (shared/concurrency/limiter.py). Or too many writers of
                             one document (shared/store/optimistic_update.py).

Messages describe the problem without the value: input, secrets and payloads must not reach them.
"""

from collections.abc import Sequence
from typing import NamedTuple


class FieldProblem(NamedTuple):
    """One invalid field of a request."""

    field: str
    message: str


class LiftLogError(Exception):
    """The base class; the message may be shown to a client."""


class InvalidRequest(LiftLogError):
    """The request violates the contract; `has_too_large_field` if a field exceeds its limit."""

    def __init__(
        self,
        message: str,
        problems: Sequence[FieldProblem] = (),
        *,
        has_too_large_field: bool = False,
    ) -> None:
        super().__init__(message)
        self.problems = tuple(problems)
        self.has_too_large_field = has_too_large_field


class RequestTooLarge(InvalidRequest):
    """The body is larger than any valid request of its route."""


class NotAuthenticated(LiftLogError):
    """The caller's credentials are wrong."""


class NotEntitled(NotAuthenticated):
    """The caller is not known; `was_presented` is False if the request has no credentials."""

    def __init__(self, message: str, *, was_presented: bool = True) -> None:
        super().__init__(message)
        self.was_presented = was_presented


class NotFound(LiftLogError):
    """The object does not exist, or no longer exists."""


class RateLimited(LiftLogError):
    """The caller reached the limit; `retry_after_s` seconds later, a request is admitted again."""

    def __init__(self, retry_after_s: int) -> None:
        super().__init__("too many requests in 24 hours")
        self.retry_after_s = retry_after_s


class FeatureDisabled(LiftLogError):
    """The operator of this server has switched the feature off."""


class FeatureNotConfigured(LiftLogError):
    """The operator of this server has not configured the feature."""


class BackupsNotConfigured(FeatureNotConfigured):
    """The operator of this server has configured no place for backups."""


class QuotaExceeded(LiftLogError):
    """One upload is larger than the quota of its user."""


class RangeNotSatisfiable(LiftLogError):
    """The requested range is outside of a content of `size_bytes`."""

    def __init__(self, size_bytes: int) -> None:
        super().__init__("the range is outside of the content")
        self.size_bytes = size_bytes


class DependencyUnavailable(LiftLogError):
    """A dependency did not respond, so the result is unknown; retry after `retry_after_s`."""

    _message = "{} is unavailable at the moment"

    def __init__(self, subject: str, retry_after_s: int) -> None:
        super().__init__(self._message.format(subject))
        self.retry_after_s = retry_after_s


class DependencyFailed(DependencyUnavailable):
    """A dependency returned no valid response."""

    _message = "{} returned an invalid response"


class ResponseTooLong(DependencyFailed):
    """The response of a dependency ended at the limit of its length, so it is incomplete."""

    _message = "{} needs a longer response than it may give"


class RequestTooLong(DependencyFailed):
    """A dependency rejected the request because of its length."""

    _message = "{} cannot read a request of this length"


class DependencyTimedOut(DependencyUnavailable):
    """A dependency did not respond before its deadline."""


class Overloaded(DependencyUnavailable):
    """Too much work is waiting; `subject` names the kind of work."""

    _message = "too many {} at the moment"
