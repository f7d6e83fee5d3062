"""Trace context of a request, read from its headers. Pure functions.

Source: https://www.w3.org/TR/trace-context-2/ (section 3.2) and
https://cloud.google.com/trace/docs/trace-context (`X-Cloud-Trace-Context`)
"""

import re
from collections.abc import Iterable
from secrets import token_hex
from typing import NamedTuple

# Bounds the work per request: both headers are under 100 bytes long, except for later versions.
_MAX_HEADER_BYTES = 512

_TRACEPARENT = re.compile(
    rb"(?P<version>[0-9a-f]{2})-(?P<trace>[0-9a-f]{32})-(?P<span>[0-9a-f]{16})"
    rb"-(?P<flags>[0-9a-f]{2})(?P<more>-.*)?",
    re.DOTALL,
)
_CLOUD_TRACE = re.compile(
    rb"(?P<trace>[0-9a-fA-F]{32})(?:/(?P<span>[0-9]{1,20}))?(?:;o=(?P<options>[0-9]{1,3}))?"
)
_MAX_SPAN_ID = 2**64 - 1
_SAMPLED_FLAG = 1


class TraceContext(NamedTuple):
    """Position of a request within a trace."""

    trace_id: str
    """32 lower-case hex digits, not all zero."""

    parent_id: str | None
    """The caller's span, 16 lower-case hex digits; None when no header names one."""

    is_sampled: bool | None
    """The caller's sampling decision; None when no header contains one."""


def new_span_id() -> str:
    """Return a random span id: 16 hex digits."""
    return token_hex(8)


def parse_trace_context(headers: Iterable[tuple[bytes, bytes]]) -> TraceContext:
    """Return the context in `traceparent`, else in `X-Cloud-Trace-Context`, else a new one.

    Header names are in lower case, as in ASGI. The result is valid for any input: an invalid or
    repeated header counts as absent.
    """
    found: dict[bytes, bytes] = {}
    for name, value in headers:
        if name in (b"traceparent", b"x-cloud-trace-context"):
            found[name] = b"" if name in found else value[:_MAX_HEADER_BYTES].strip(b" \t")
    return (
        _parse_traceparent(found.get(b"traceparent", b""))
        or _parse_cloud_trace(found.get(b"x-cloud-trace-context", b""))
        or TraceContext(token_hex(16), None, None)
    )


def _parse_traceparent(header: bytes) -> TraceContext | None:
    match = _TRACEPARENT.fullmatch(header)
    if match is None or match["version"] == b"ff":
        return None
    if match["version"] == b"00" and match["more"] is not None:
        return None  # only later versions may append fields
    trace_id, span_id = match["trace"].decode(), match["span"].decode()
    if not int(trace_id, 16) or not int(span_id, 16):
        return None
    return TraceContext(trace_id, span_id, bool(int(match["flags"], 16) & _SAMPLED_FLAG))


def _parse_cloud_trace(header: bytes) -> TraceContext | None:
    match = _CLOUD_TRACE.fullmatch(header)
    if match is None or not int(match["trace"], 16):
        return None
    # Google's header has the span id as a decimal number, `traceparent` in hex digits.
    span_id = int(match["span"] or 0)
    parent_id = f"{span_id:016x}" if 0 < span_id <= _MAX_SPAN_ID else None
    options = match["options"]
    is_sampled = None if options is None else bool(int(options) & _SAMPLED_FLAG)
    return TraceContext(match["trace"].decode().lower(), parent_id, is_sampled)
