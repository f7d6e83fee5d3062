"""Conventions of the wire format, with generated content."""

import re
from base64 import b64encode
from datetime import UTC, datetime
from typing import Annotated

from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

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
