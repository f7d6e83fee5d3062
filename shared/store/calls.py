"""One call to the database: counted, traced, and with its errors translated into our own."""

from collections.abc import Iterator
from contextlib import contextmanager

from google.api_core import exceptions

from shared.errors import DependencyTimedOut, DependencyUnavailable
from shared.telemetry.current_request import note_round_trip
from shared.telemetry.signals import span

_OUTAGE = (
    exceptions.ServerError,
    exceptions.Cancelled,
    exceptions.TooManyRequests,
    # A credential or a permission that is missing is an error of our deployment. A client can only
    # try again later.
    exceptions.Unauthorized,
    exceptions.Forbidden,
    exceptions.RetryError,
)
_TIMEOUT = (exceptions.GatewayTimeout,)
_RETRY_AFTER_S = 5


@contextmanager
def database_call(operation: str) -> Iterator[None]:
    """Count and trace the call inside the block; translate its errors.

    Raises:
        DependencyTimedOut: no response before the deadline.
        DependencyUnavailable: an outage.
    """
    note_round_trip()
    try:
        with span(f"store {operation}"):
            yield
    except exceptions.GoogleAPIError as error:
        if isinstance(error, exceptions.RetryError):
            # The policy counts a further attempt after each error. None follows the last one.
            note_round_trip(-1)
        raise _translate(error) from error


def _translate(error: Exception) -> Exception:
    """Return our error for one of an engine. An error of our own code is unchanged."""
    if not isinstance(error, _OUTAGE):
        return error
    if isinstance(error, _TIMEOUT) or isinstance(error.__cause__, _TIMEOUT):
        return DependencyTimedOut("the database", _RETRY_AFTER_S)
    return DependencyUnavailable("the database", _RETRY_AFTER_S)
