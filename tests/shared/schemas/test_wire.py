"""Conventions of the wire format, with generated content."""

import re
from base64 import b64encode
from datetime import UTC, datetime, timedelta
from typing import Annotated

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from shared import timestamps
from shared.schemas.wire import Base64, Instant, Request, Response


class SampleRequest(Request):
    some_bytes: Annotated[bytes, Base64(max_bytes=40, min_bytes=2)]
    encryption_iv: Annotated[bytes, Base64()] | None = None


class SampleResponse(Response):
    some_bytes: Annotated[bytes, Base64()]
    encryption_iv: Annotated[bytes, Base64()] | None
    at: Instant


@given(st.binary(min_size=2, max_size=40))
def test_any_bytes_round_trip_as_base64(content: bytes) -> None:
    read = SampleRequest.model_validate({"someBytes": b64encode(content).decode()})
    assert read.some_bytes == content
    response = SampleResponse(
        some_bytes=read.some_bytes, encryption_iv=None, at=datetime(2026, 1, 1, tzinfo=UTC)
    )
    assert response.model_dump(mode="json") == {
        "someBytes": b64encode(content).decode(),
        "encryptionIV": None,
        "at": "2026-01-01T00:00:00Z",
    }


@given(st.text(max_size=30))
def test_only_canonical_base64_is_accepted(text: str) -> None:
    try:
        content = SampleRequest.model_validate({"someBytes": text}).some_bytes
    except ValidationError:
        return
    assert b64encode(content).decode() == text


@given(st.binary(max_size=60))
def test_schema_pattern_and_lengths_match_validation(content: bytes) -> None:
    schema = SampleRequest.model_json_schema()["properties"]["someBytes"]
    text = b64encode(content).decode()
    assert re.fullmatch(schema["pattern"], text)
    if 2 <= len(content) <= 40:
        assert schema["minLength"] <= len(text) <= schema["maxLength"]


@given(
    st.datetimes(min_value=datetime(2, 1, 1), max_value=datetime(9998, 12, 31)),  # noqa: DTZ001
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
