"""A server with the files of emulators, which can break connections."""

import hashlib
import threading
from dataclasses import dataclass, field

from starlette.datastructures import Headers
from starlette.types import Receive, Scope, Send

from scripts.local.emulator_downloads import Download


def pinned(name: str, content: bytes) -> Download:
    """Return the download of a file with this content."""
    return Download(name, len(content), hashlib.sha256(content).hexdigest())


@dataclass
class Mirror:
    """An ASGI app that serves files, whole or from an offset."""

    files: dict[str, bytes]
    supports_ranges: bool = True

    breaks_after: list[int] = field(default_factory=list)
    """For each of the next connections, the number of bytes before it breaks."""

    stops_after: int | None = None
    """The number of bytes before a connection stops to send, and stays open."""

    has_stopped: threading.Event = field(default_factory=threading.Event)

    requests: list[tuple[str, int]] = field(default_factory=list)
    """The file and the offset of each request."""

    hosts: list[str] = field(default_factory=list)
    """The `Host` header of each request."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send a file, or 404."""
        headers, name = Headers(scope=scope), scope["path"].rpartition("/")[2]
        offset = int(headers.get("range", "bytes=0-").removeprefix("bytes=").removesuffix("-"))
        self.requests.append((name, offset))
        self.hosts.append(headers["host"])
        start = offset if self.supports_ranges else 0
        status = 206 if start else 200
        body = self.files.get(name, b"")[start:]
        length = [(b"content-length", str(len(body)).encode())]
        await send(
            {
                "type": "http.response.start",
                "status": status if name in self.files else 404,
                "headers": length,
            }
        )
        if self.breaks_after:
            body = body[: self.breaks_after.pop(0)]
        elif self.stops_after is not None:
            body = body[: self.stops_after]
        # Without the rest of the body, the server closes the connection after the return.
        is_stopped = self.stops_after is not None
        await send({"type": "http.response.body", "body": body, "more_body": True})
        if is_stopped:
            self.has_stopped.set()
            while (await receive())["type"] != "http.disconnect":
                pass
