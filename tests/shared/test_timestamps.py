"""Parsing of timestamps, and conversion to microseconds."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared import timestamps


@given(
    st.datetimes(datetime(2, 1, 1), datetime(9998, 12, 31)),  # noqa: DTZ001 - local times
    st.integers(-14 * 60, 14 * 60),
    st.integers(0, 9),
)
def test_timestamps_with_any_offset_are_accepted(
    local: datetime, offset_minutes: int, digits: int
) -> None:
    sign = "-" if offset_minutes < 0 else "+"
    hours, minutes = divmod(abs(offset_minutes), 60)
    fraction = f"{local.microsecond:06d}789"[:digits]
    text = local.strftime("%Y").zfill(4) + local.strftime("-%m-%dT%H:%M:%S")
    text += f".{fraction}" if digits else ""
    text += f"{sign}{hours:02d}:{minutes:02d}"
    micros = int(fraction[:6].ljust(6, "0")) if digits else 0
    expected = local.replace(microsecond=micros, tzinfo=UTC) - timedelta(minutes=offset_minutes)
    assert timestamps.parse(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "2025-01-01T00:00:00",
        "2025-01-01",
        "2025-01-01 00:00:00Z",
        "2025-01-01T00:00:00.Z",
        "2025-02-30T00:00:00Z",
        "2025-01-01T25:00:00Z",
        "2025-01-01T00:00:00+25:00",
        "0001-01-01T00:00:00+01:00",
        "1735689600",
        "２０２５-01-01T00:00:00Z",  # noqa: RUF001 - digits that are not ASCII
        "",
    ],
)
def test_invalid_timestamp_is_rejected(text: str) -> None:
    with pytest.raises(ValueError, match=r"not a date|outside|must be|out of range|Invalid"):
        timestamps.parse(text)


@given(st.datetimes(timezones=st.just(UTC)))
def test_microseconds_since_1970_are_exact(instant: datetime) -> None:
    assert timestamps.from_micros(timestamps.to_micros(instant)) == instant
