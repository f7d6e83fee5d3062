"""Trace context of a request from valid, invalid and missing headers."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.telemetry.trace_context import TraceContext, parse_trace_context

TRACE = "0af7651916cd43dd8448eb211c80319c"
SPAN = "b7ad6b7169203331"
OTHER = "1" * 32
ZERO_TRACE, ZERO_SPAN = "0" * 32, "0" * 16


def parse(**headers: str) -> TraceContext:
    return parse_trace_context(
        [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    )


@pytest.mark.parametrize(
    ("header", "is_sampled"),
    [
        (f"00-{TRACE}-{SPAN}-01", True),
        (f"00-{TRACE}-{SPAN}-00", False),
        (f"00-{TRACE}-{SPAN}-03", True),
        (f"00-{TRACE}-{SPAN}-02", False),
        (f"cc-{TRACE}-{SPAN}-01", True),
        (f"cc-{TRACE}-{SPAN}-01-more-fields", True),
        (f" 00-{TRACE}-{SPAN}-01\t", True),
    ],
    ids=["sampled", "not", "and random", "random alone", "later version", "more fields", "spaces"],
)
def test_traceparent_is_continued(header: str, is_sampled: bool) -> None:
    assert parse(traceparent=header) == TraceContext(TRACE, SPAN, is_sampled)


@pytest.mark.parametrize(
    "header",
    [
        "",
        f"ff-{TRACE}-{SPAN}-01",
        f"00-{ZERO_TRACE}-{SPAN}-01",
        f"00-{TRACE}-{ZERO_SPAN}-01",
        f"00-{TRACE}-{SPAN}-01-more",
        f"cc-{TRACE}-{SPAN}-01.more",
        f"00-{TRACE.upper()}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}",
        f"00-{TRACE}-{SPAN}-1",
        f"0-{TRACE}-{SPAN}-01",
        f"00-{TRACE[1:]}-{SPAN}-01",
        f"00-{TRACE}-{SPAN[1:]}-01",
        f"00-{TRACE}-{SPAN}-0g",
    ],
)
def test_invalid_traceparent_is_ignored(header: str) -> None:
    context = parse(traceparent=header)
    assert context.trace_id != TRACE
    assert (context.parent_id, context.is_sampled) == (None, None)


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (f"{TRACE}/255;o=1", TraceContext(TRACE, "00000000000000ff", is_sampled=True)),
        (f"{TRACE}/255;o=0", TraceContext(TRACE, "00000000000000ff", is_sampled=False)),
        (f"{TRACE}/255", TraceContext(TRACE, "00000000000000ff", None)),
        (f"{TRACE.upper()};o=1", TraceContext(TRACE, None, is_sampled=True)),
        (f"{TRACE}/18446744073709551615", TraceContext(TRACE, "f" * 16, None)),
        (f"{TRACE}/18446744073709551616", TraceContext(TRACE, None, None)),
        (f"{TRACE}/0;o=1", TraceContext(TRACE, None, is_sampled=True)),
        (TRACE, TraceContext(TRACE, None, None)),
    ],
)
def test_cloud_trace_header_is_continued(header: str, expected: TraceContext) -> None:
    assert parse(x_cloud_trace_context=header) == expected


@pytest.mark.parametrize("header", [f"{ZERO_TRACE}/1;o=1", f"{TRACE}/x", f"{TRACE};o=", "/1;o=1"])
def test_invalid_cloud_trace_header_is_ignored(header: str) -> None:
    assert parse(x_cloud_trace_context=header).trace_id not in (TRACE, ZERO_TRACE)


def test_valid_traceparent_precedes_cloud_trace_header() -> None:
    cloud_trace = f"{OTHER}/1;o=1"
    valid = f"00-{TRACE}-{SPAN}-00"
    assert parse(traceparent=valid, x_cloud_trace_context=cloud_trace).trace_id == TRACE
    assert parse(traceparent="invalid", x_cloud_trace_context=cloud_trace).trace_id == OTHER


def test_repeated_traceparent_is_ignored() -> None:
    header = (b"traceparent", f"00-{TRACE}-{SPAN}-01".encode())
    assert parse_trace_context([header, header]).trace_id != TRACE


def test_each_request_without_headers_gets_a_new_trace() -> None:
    assert parse_trace_context([]).trace_id != parse_trace_context([]).trace_id


_HEX = st.text("0123456789abcdefABCDEF", min_size=0, max_size=34)
_NEARLY_VALID = st.builds("-".join, st.lists(_HEX, min_size=3, max_size=6)) | st.builds(
    "{}/{};o={}".format, _HEX, st.integers().map(str), st.text(max_size=3)
)
_NAMES = st.sampled_from([b"traceparent", b"x-cloud-trace-context", b"tracestate"])
_VALUES = st.binary(max_size=600) | _NEARLY_VALID.map(lambda text: text.encode())


@given(st.lists(st.tuples(_NAMES, _VALUES), max_size=4))
def test_context_is_valid_for_any_headers(
    headers: list[tuple[bytes, bytes]],
) -> None:
    context = parse_trace_context(headers)
    assert re.fullmatch(r"[0-9a-f]{32}", context.trace_id)
    assert int(context.trace_id, 16)
    if context.parent_id is not None:
        assert re.fullmatch(r"[0-9a-f]{16}", context.parent_id)
        assert int(context.parent_id, 16)
