"""Which trace a request belongs to, as its headers say; pure.

Source: https://www.w3.org/TR/trace-context-2/ (section 3.2), and
https://cloud.google.com/trace/docs/trace-context (`X-Cloud-Trace-Context`)
"""

import re
from collections.abc import Iterable
from secrets import token_hex
from typing import NamedTuple

_LONGEST = 512  # whoever sends more than a context is not read

_TRACEPARENT = re.compile(
    rb"(?P<version>[0-9a-f]{2})-(?P<trace>[0-9a-f]{32})-(?P<span>[0-9a-f]{16})"
    rb"-(?P<flags>[0-9a-f]{2})(?P<more>-.*)?",
    re.DOTALL,
)
_CLOUD_TRACE = re.compile(
    rb"(?P<trace>[0-9a-fA-F]{32})(?:/(?P<span>[0-9]{1,20}))?(?:;o=(?P<options>[0-9]{1,3}))?"
)
_LARGEST_SPAN = 2**64 - 1
_SAMPLED = 1


class TraceContext(NamedTuple):
    """Where a request stands among those that led to it."""

    trace_id: str
    """32 lower-case hex digits, not all zero."""

    parent_id: str | None
    """The caller's span, 16 lower-case hex digits; None if nobody named one."""

    is_sampled: bool | None
    """Whether the trace is to be kept; None if nobody has decided."""


def new_span_id() -> str:
    """Return an id for a span: 16 hex digits."""
    return token_hex(8)


def parse_trace_context(headers: Iterable[tuple[bytes, bytes]]) -> TraceContext:
    """Return the context that `traceparent` gives, else `X-Cloud-Trace-Context`, else a new one.

    The names in `headers` are in lower case, as ASGI has them. Whatever a client sends, something
    valid comes back: what cannot be read counts as not sent, and so does what is there twice.
    """
    found: dict[bytes, bytes] = {}
    for name, value in headers:
        if name in (b"traceparent", b"x-cloud-trace-context"):
            found[name] = b"" if name in found else value[:_LONGEST].strip(b" \t")
    return (
        _of_traceparent(found.get(b"traceparent", b""))
        or _of_cloud_trace(found.get(b"x-cloud-trace-context", b""))
        or TraceContext(token_hex(16), None, None)
    )


def _of_traceparent(header: bytes) -> TraceContext | None:
    match = _TRACEPARENT.fullmatch(header)
    if match is None or match["version"] == b"ff":
        return None
    if match["version"] == b"00" and match["more"] is not None:
        return None  # only later versions may have more parts
    trace_id, span_id = match["trace"].decode(), match["span"].decode()
    if not int(trace_id, 16) or not int(span_id, 16):
        return None
    return TraceContext(trace_id, span_id, bool(int(match["flags"], 16) & _SAMPLED))


def _of_cloud_trace(header: bytes) -> TraceContext | None:
    match = _CLOUD_TRACE.fullmatch(header)
    if match is None or not int(match["trace"], 16):
        return None
    span = int(match["span"] or 0)
    parent_id = f"{span:016x}" if 0 < span <= _LARGEST_SPAN else None
    options = match["options"]
    is_sampled = None if options is None else bool(int(options) & _SAMPLED)
    return TraceContext(match["trace"].decode().lower(), parent_id, is_sampled)
