"""Points in time: always aware, in UTC, to the microsecond that Firestore keeps."""

import re
from datetime import UTC, date, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_WITH_OFFSET = re.compile(
    r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d(:?\d\d)?)", re.ASCII
)


def now() -> datetime:
    """Return the current instant."""
    return datetime.now(UTC)


def parse(text: str) -> datetime:
    """Read an ISO 8601 date and time with an offset and 0 to 9 fraction digits.

    Digits below a microsecond are cut off. For a `since` that is exact: stored instants are whole
    microseconds, so one is after the full instant if and only if it is after the cut one.

    Raises:
        ValueError: not of that form, or not an instant of the years 1 to 9999 in UTC.
    """
    if _WITH_OFFSET.fullmatch(text) is None:
        msg = "not a date and time with an offset"
        raise ValueError(msg)
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except OverflowError:
        msg = "outside the years 1 to 9999"
        raise ValueError(msg) from None


def to_micros(instant: datetime) -> int:
    """Return the whole microseconds since 1970."""
    return (instant - _EPOCH) // _MICROSECOND


def from_micros(micros: int) -> datetime:
    """Return the instant that lies `micros` microseconds after 1970."""
    return _EPOCH + micros * _MICROSECOND


def start_of(day: date) -> datetime:
    """Return the first instant of `day` in UTC."""
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
