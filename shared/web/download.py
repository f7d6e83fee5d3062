"""Downloads: contents that are sent while they are read, whole or one range of them.

Source: RFC 9110, sections 13 (conditional requests) and 14 (range requests)
"""

import re
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass
from http import HTTPStatus

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from shared.errors import RangeNotSatisfiable
from shared.web.disconnect import run_until_disconnect

_RANGE = re.compile(r"bytes=[ \t]*(\d{0,18})-(\d{0,18})[ \t]*", re.ASCII | re.IGNORECASE)
_ENTITY_TAG = re.compile(r'(?:W/)?("[^"]*")')


@dataclass(frozen=True)
class Download:
    """A content that never changes."""

    media_type: str
    file_name: str
    """The name for a saved file: letters, digits, dots and hyphens."""

    size_bytes: int
    """At least 1."""

    version: str
    """Differs for different contents; letters, digits and hyphens."""

    read: Callable[[int, int], AsyncGenerator[bytes, None]]
    """Yields the bytes from the first number up to the second, which is not included."""

    @property
    def etag(self) -> str:
        """The strong entity tag."""
        return f'"{self.version}"'


async def download_response(request: Request, download: Download) -> Response:
    """Return the response to a GET or HEAD: 200, 206 or 304.

    Waits for the first bytes: until then, the status can still report an outage.

    Raises:
        RangeNotSatisfiable: the range is outside of the content.
    """
    headers = {
        "Accept-Ranges": "bytes",
        # Only the client's own cache may keep it.
        "Cache-Control": "private, no-cache",
        "ETag": download.etag,
    }
    if _is_known(request.headers, download.etag):
        return Response(None, HTTPStatus.NOT_MODIFIED, headers)
    headers |= {
        "Content-Disposition": f'attachment; filename="{download.file_name}"',
        "Content-Length": str(download.size_bytes),
        "Content-Type": download.media_type,
    }
    if request.method == "HEAD":
        return Response(None, HTTPStatus.OK, headers)
    part = _requested_range(request.headers, download)
    start, stop = part or (0, download.size_bytes)
    pieces = download.read(start, stop)
    first = await anext(pieces)
    if part is None:
        return _Streamed(first, pieces, download.size_bytes, HTTPStatus.OK, headers)
    headers["Content-Length"] = str(stop - start)
    headers["Content-Range"] = f"bytes {start}-{stop - 1}/{download.size_bytes}"
    return _Streamed(first, pieces, stop - start, HTTPStatus.PARTIAL_CONTENT, headers)


class _Streamed(Response):
    """Sends a content of a known size, and closes its source also if the client disconnects.

    Starlette's response sends an empty message at the end. A client can disconnect before it, after
    it has received the whole content, and the log would show an interrupted request.
    """

    def __init__(
        self,
        first: bytes,
        rest: AsyncGenerator[bytes, None],
        size_bytes: int,
        status: HTTPStatus,
        headers: dict[str, str],
    ) -> None:
        super().__init__(None, status, headers)
        self._first = first
        self._rest = rest
        self._missing_bytes = size_bytes

    async def __call__(self, _scope: Scope, receive: Receive, send: Send) -> None:
        async with aclosing(self._rest):
            await run_until_disconnect(receive, self._send(send))

    async def _send(self, send: Send) -> None:
        start = {"status": self.status_code, "headers": self.raw_headers}
        await send({"type": "http.response.start", **start})
        await self._send_piece(send, self._first)
        async for piece in self._rest:
            await self._send_piece(send, piece)

    async def _send_piece(self, send: Send, piece: bytes) -> None:
        self._missing_bytes -= len(piece)
        more_body = self._missing_bytes > 0
        await send({"type": "http.response.body", "body": piece, "more_body": more_body})


def _is_known(headers: Headers, etag: str) -> bool:
    """Whether the client has the content already."""
    known = ",".join(headers.getlist("if-none-match"))
    return known.strip() == "*" or etag in _ENTITY_TAG.findall(known)


def _requested_range(headers: Headers, download: Download) -> tuple[int, int] | None:
    """Return the first byte and the end of the requested range; None for the whole content.

    A server may ignore the header. This one ignores invalid ranges, and several ranges at once.
    """
    found = _RANGE.fullmatch(headers.get("range", ""))
    # A weak tag or a date does not prove that the client has a part of the same content.
    if found is None or headers.get("if-range", download.etag) != download.etag:
        return None
    first, last = found.groups()
    size = download.size_bytes
    if not first and not last:
        return None
    if not first:
        start, stop = max(size - int(last), 0), size
    else:
        start, stop = int(first), min(int(last) + 1, size) if last else size
        if last and int(last) < start:
            return None
    if start >= size:
        raise RangeNotSatisfiable(size)
    return start, stop
