"""Checks the size of requests that the proxy accepts, without sending a body.

The check announces a size with `Expect: 100-continue`. A server that accepts the size answers 100,
a server or proxy with a smaller limit answers 413. Then the check closes the connection.
Source: RFC 9110, section 10.1.1
"""

import asyncio
from contextlib import closing
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException, HTTPSConnection, parse_headers
from urllib.parse import urlsplit

import httpx

from scripts.client.doctor.backup import PATH, PROBE
from scripts.client.doctor.features import Offer
from scripts.client.doctor.findings import Feature, Finding
from scripts.client.doctor.server import Answer, Server

_TIMEOUT_S = 10
_MAX_LINE_BYTES = 1024
_PROFILE_BYTES = 2_800_000
"""A profile with a picture of 2000 KiB, as base64."""

_BACKUP_BYTES = 32_000_000
_SIZES = (
    ("PUT", "/user", _PROFILE_BYTES, frozenset({Feature.FEED, Feature.SHARING})),
    ("POST", PATH, _BACKUP_BYTES, frozenset({Feature.BACKUP})),
)


async def check_body_size(server: Server, offer: Offer) -> list[Finding]:
    """Announce the largest requests of the app."""
    findings = []
    for method, path, size, features in _SIZES:
        if not any(offer.allows(each) for each in features):
            continue
        answer = await asyncio.to_thread(_announce, server, method, path, size)
        if answer is not None and _is_too_small(answer):
            findings.append(_too_small(answer.route, size, features))
    return findings


def _is_too_small(answer: Answer) -> bool:
    return answer.status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE


def _too_small(route: str, size: int, features: frozenset[Feature]) -> Finding:
    return Finding(
        f"{route} with {size:,} bytes is answered 413: the proxy limits the size of requests",
        "Raise the limit of the proxy to 32 MB or more: with nginx, `client_max_body_size 32m;`.",
        features,
    )


def _announce(server: Server, method: str, path: str, size: int) -> Answer | None:
    """Announce a body. None if the server or the proxy waits for the body."""
    address = urlsplit(server.backend.url(path))
    headers = {**server.backend.headers, **PROBE}
    with closing(_connection(server, address.hostname or "", address.port)) as connection:
        try:
            connection.putrequest(method, address.path)
            for name, value in headers.items():
                connection.putheader(name, value)
            connection.putheader("Content-Length", str(size))
            connection.putheader("Expect", "100-continue")
            connection.endheaders()
            return _answer(connection, f"{method} {path}")
        # A server that ignores `Expect` waits for the body: it accepts the size.
        except (OSError, HTTPException, ValueError):
            return None


def _connection(server: Server, host: str, port: int | None) -> HTTPConnection:
    if server.backend.base.startswith("https"):
        return HTTPSConnection(host, port, timeout=_TIMEOUT_S, context=server.tls)
    return HTTPConnection(host, port, timeout=_TIMEOUT_S)


def _answer(connection: HTTPConnection, route: str) -> Answer | None:
    with connection.sock.makefile("rb") as received:
        status = int(received.readline(_MAX_LINE_BYTES).split()[1])
        if status == HTTPStatus.CONTINUE:
            return None
        return Answer(route, status, httpx.Headers(parse_headers(received).items()))
