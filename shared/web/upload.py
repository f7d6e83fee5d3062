"""Uploads: raw bodies that are handled while they arrive, and never held whole."""

from collections.abc import AsyncIterator

from starlette.datastructures import Headers
from starlette.requests import Request

from shared.errors import RequestTooLarge


class Upload:
    """The body of a request.

    Args:
        request: its body is not read yet.
        max_bytes: the size of the largest body that is accepted.
    """

    def __init__(self, request: Request, max_bytes: int) -> None:
        self._request = request
        self._max_bytes = max_bytes

    @property
    def headers(self) -> Headers:
        """The headers of the request."""
        return self._request.headers

    def announced_bytes(self) -> int | None:
        """Return the size in the header; None for a chunked body. Raises RequestTooLarge."""
        announced = self._request.headers.get("content-length", "")
        if not announced.isdigit():
            return None
        self._check(int(announced))
        return int(announced)

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield the body in pieces as they arrive.

        Raises:
            RequestTooLarge: the body is larger than `max_bytes`; as soon as this is known.
            ClientDisconnect: the client disconnected before the end of the body.
        """
        self.announced_bytes()
        # Counted as well, because a chunked body has no length.
        read_bytes = 0
        async for chunk in self._request.stream():
            read_bytes += len(chunk)
            self._check(read_bytes)
            if chunk:
                yield chunk

    def _check(self, size_bytes: int) -> None:
        if size_bytes > self._max_bytes:
            raise RequestTooLarge(f"the body is larger than {self._max_bytes:,} bytes")
