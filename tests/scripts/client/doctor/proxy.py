"""A reverse proxy with planted misconfigurations, in front of a real server."""

import asyncio
import queue
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from http import HTTPStatus
from urllib.parse import urlsplit

from scripts.local.ports import HOST

_END = b"\r\n\r\n"
_CHUNK_BYTES = 65_536

Headers = dict[str, str]


@dataclass(frozen=True)
class Head:
    """The head of a request. Names of headers are in lower case."""

    method: str
    target: str
    headers: Headers = field(default_factory=dict)

    def without(self, *names: str) -> "Head":
        """Return the head without some headers."""
        kept = {name: value for name, value in self.headers.items() if name not in names}
        return replace(self, headers=kept)


@dataclass(frozen=True)
class Misconfiguration:
    """The mistakes of the proxy. The default has none."""

    request: Callable[[Head], Head | bytes] = lambda head: head
    """Returns the request for the server, or the proxy's own response."""

    response: Callable[[Headers], Headers] = lambda headers: headers
    """Returns the headers of the response for the client."""


def page(status: HTTPStatus, body: str = "", **headers: str) -> bytes:
    """Return a response as nginx writes it."""
    content = body or f"<html><head><title>{status} {status.phrase}</title></head></html>"
    lines = {
        "Server": "nginx",
        "Content-Type": "text/html",
        "Content-Length": str(len(content)),
        "Connection": "close",
        **headers,
    }
    return _head(f"HTTP/1.1 {status} {status.phrase}", lines) + content.encode()


@contextmanager
def proxy(
    server: str, wrong: Misconfiguration | None = None, tls: ssl.SSLContext | None = None
) -> Iterator[str]:
    """Forward requests to `server` during the block; yield the URL of the proxy."""
    address = urlsplit(server)
    target = (address.hostname or "", address.port or 80, wrong or Misconfiguration())
    # asyncio itself keeps only weak references to these tasks.
    running: set[asyncio.Task[None] | None] = set()

    async def forward(client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        running.add(asyncio.current_task())
        await _forward(*target, client, to_client)
        running.discard(asyncio.current_task())

    ports: queue.SimpleQueue[int] = queue.SimpleQueue()
    ends: queue.SimpleQueue[Callable[[], object]] = queue.SimpleQueue()

    async def run() -> None:
        loop, ended = asyncio.get_running_loop(), asyncio.Event()
        async with await asyncio.start_server(forward, HOST, 0, ssl=tls) as listening:
            ends.put(partial(loop.call_soon_threadsafe, ended.set))
            ports.put(listening.sockets[0].getsockname()[1])
            await ended.wait()

    thread = threading.Thread(target=asyncio.run, args=(run(),), daemon=True)
    thread.start()
    try:
        yield f"http{'s' if tls else ''}://{HOST}:{ports.get()}"
    finally:
        ends.get()()
        thread.join()


async def _forward(
    host: str,
    port: int,
    wrong: Misconfiguration,
    client: asyncio.StreamReader,
    to_client: asyncio.StreamWriter,
) -> None:
    # The client or the server disconnects, or the test ends.
    with suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
        first, headers = await _read_head(client)
        method, target, _ = first.split(" ")
        head = wrong.request(Head(method, target, headers))
        if isinstance(head, bytes):
            to_client.write(head)
        else:
            await _exchange(host, port, head, wrong, (client, to_client))
    await _close(to_client)


async def _exchange(
    host: str,
    port: int,
    head: Head,
    wrong: Misconfiguration,
    client: tuple[asyncio.StreamReader, asyncio.StreamWriter],
) -> None:
    """Send a request to the server, and copy bytes in both directions."""
    # One request per connection, so that bytes can be copied after the head.
    if "upgrade" not in head.headers:
        head.headers["connection"] = "close"
    server, to_server = await asyncio.open_connection(host, port)
    to_server.write(_head(f"{head.method} {head.target} HTTP/1.1", head.headers))
    sending = asyncio.create_task(_copy(client[0], to_server))
    try:
        status, answered = await _read_head(server)
        client[1].write(_head(status, wrong.response(answered)))
        await _copy(server, client[1])
    finally:
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)
        await _close(to_server)


async def _close(stream: asyncio.StreamWriter) -> None:
    stream.close()
    with suppress(OSError):
        await stream.wait_closed()


async def _read_head(source: asyncio.StreamReader) -> tuple[str, Headers]:
    head = await source.readuntil(_END)
    first, *lines = head.decode("latin-1").removesuffix("\r\n\r\n").split("\r\n")
    pairs = (line.partition(":") for line in lines)
    return first, {name.lower(): value.strip() for name, _, value in pairs}


def _head(first: str, headers: Headers) -> bytes:
    lines = "".join(f"\r\n{name}: {value}" for name, value in headers.items())
    return f"{first}{lines}".encode("latin-1") + _END


async def _copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    while chunk := await source.read(_CHUNK_BYTES):
        target.write(chunk)
        await target.drain()
    if target.can_write_eof():
        target.write_eof()
