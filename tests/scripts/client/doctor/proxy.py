"""A reverse proxy with planted misconfigurations, in front of a real server."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from socketserver import BaseRequestHandler, ThreadingTCPServer
from urllib.parse import urlsplit

from scripts.local.ports import HOST

_END = b"\r\n\r\n"
_CHUNK_BYTES = 65_536
_TIMEOUT_S = 60

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
    """What the proxy does wrong. The default is a proxy that does nothing wrong."""

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
    upstream = (address.hostname or "", address.port or 80)

    class Handler(BaseRequestHandler):
        def handle(self) -> None:
            with suppress(OSError):  # the client or the server disconnects
                _serve(self.request, upstream, wrong or Misconfiguration(), tls)

    class Server(ThreadingTCPServer):
        daemon_threads = True

    with Server((HOST, 0), Handler) as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield f"http{'s' if tls else ''}://{HOST}:{running.server_address[1]}"
        finally:
            running.shutdown()
            thread.join()


def _serve(
    client: socket.socket,
    upstream: tuple[str, int],
    wrong: Misconfiguration,
    tls: ssl.SSLContext | None,
) -> None:
    client.settimeout(_TIMEOUT_S)
    with closing(tls.wrap_socket(client, server_side=True) if tls else client) as secured:
        first, headers, rest = _read_head(secured)
        method, target, _ = first.split(" ")
        forwarded = wrong.request(Head(method, target, headers))
        if isinstance(forwarded, bytes):
            secured.sendall(forwarded)
            return
        # One request per connection, so that bytes can be copied after the head.
        if "upgrade" not in forwarded.headers:
            forwarded.headers["connection"] = "close"
        line = f"{forwarded.method} {forwarded.target} HTTP/1.1"
        with closing(socket.create_connection(upstream, timeout=_TIMEOUT_S)) as server:
            server.sendall(_head(line, forwarded.headers) + rest)
            threading.Thread(target=_copy, args=(secured, server), daemon=True).start()
            status, answered, rest = _read_head(server)
            secured.sendall(_head(status, wrong.response(answered)) + rest)
            _copy(server, secured)


def _read_head(source: socket.socket) -> tuple[str, Headers, bytes]:
    received = b""
    while _END not in received:
        chunk = source.recv(_CHUNK_BYTES)
        if not chunk:
            raise ConnectionResetError
        received += chunk
    head, _, rest = received.partition(_END)
    first, *lines = head.decode("latin-1").split("\r\n")
    pairs = (line.partition(":") for line in lines)
    return first, {name.lower(): value.strip() for name, _, value in pairs}, rest


def _head(first: str, headers: Headers) -> bytes:
    lines = "".join(f"\r\n{name}: {value}" for name, value in headers.items())
    return f"{first}{lines}".encode("latin-1") + _END


def _copy(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while chunk := source.recv(_CHUNK_BYTES):
            target.sendall(chunk)
        target.shutdown(socket.SHUT_WR)
