"""Points in time: timezone-aware, in UTC, with Firestore's precision of one microsecond."""

import re
from datetime import UTC, date, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
# Installed apps send up to 9 fraction digits; `fromisoformat` alone also accepts week dates and
# times without an offset.
_WITH_OFFSET = re.compile(
    r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d(:?\d\d)?)", re.ASCII
)


def now() -> datetime:
    """Return the current time."""
    return datetime.now(UTC)


def parse(text: str) -> datetime:
    """Parse an ISO 8601 date and time with an offset and 0 to 9 fraction digits.

    Digits below a microsecond are cut off. A `since` stays exact: stored timestamps are whole
    microseconds, so each is after the full value if and only if it is after the cut value.

    Raises:
        ValueError: another format, or outside the years 1 to 9999 in UTC.
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
    """Return the time `micros` microseconds after 1970."""
    return _EPOCH + micros * _MICROSECOND


def start_of(day: date) -> datetime:
    """Return midnight at the start of `day` in UTC."""
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
