"""Responses to requests whose body is not read completely."""

import asyncio
import socket
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from scripts.local.ports import HOST
from shared.errors import NotFound, Overloaded
from shared.schemas.wire import Request
from shared.web.app import build_app
from shared.web.routes import Route
from shared.web.unread_body import UnreadBody
from tests.loopback import served

MIB = 1024 * 1024


class EmptyRequest(Request):
    """Has no fields."""


async def reject(_request: EmptyRequest) -> None:
    raise Overloaded("the service", 1)


async def missing(_request: EmptyRequest) -> None:
    raise NotFound("no such thing")


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """Serve routes that reject requests before their bodies are read."""
    routes = [
        Route("POST", "/small", "x", EmptyRequest, None, reject),
        Route("DELETE", "/query", "x", EmptyRequest, None, missing, [NotFound], from_query=True),
    ]
    with pytest.MonkeyPatch.context() as patch, served(build_app(routes)) as address:
        patch.setattr(
            UnreadBody, "timeout_s", 600
        )  # so that a slow machine does not end a test early
        yield int(address.rpartition(":")[2])


def exchanged(port: int, head: str, pieces: list[bytes]) -> bytes:
    """Send a complete request before reading; return the response, or the name of the error."""
    try:
        with socket.create_connection((HOST, port)) as client:
            client.sendall(head.encode())
            for piece in pieces:
                client.sendall(piece)
            response = b""
            while data := client.recv(MIB):
                response += data
            return response
    except OSError as error:
        return type(error).__name__.encode()


@asynccontextmanager
async def connected(
    port: int,
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection(HOST, port)
    try:
        yield reader, writer
    finally:
        writer.close()
        await writer.wait_closed()


REJECTIONS = {
    "too large": ("POST /small", 413),
    "unknown route": ("POST /nowhere", 404),
    "another method": ("PUT /small", 405),
    "unused body": ("DELETE /query", 404),
}


@pytest.mark.parametrize("framing", ["length", "chunks"])
@pytest.mark.parametrize("rejection", REJECTIONS.values(), ids=REJECTIONS)
async def test_rejection_of_unread_body_is_not_a_reset(
    port: int, rejection: tuple[str, int], framing: str
) -> None:
    line, status = rejection
    size, piece = 900_000, 9_000
    if framing == "length":
        headers, pieces = f"Content-Length: {size}", [b" " * piece] * (size // piece)
    else:
        chunk = f"{piece:x}\r\n".encode() + b" " * piece + b"\r\n"
        headers, pieces = "Transfer-Encoding: chunked", [*[chunk] * (size // piece), b"0\r\n\r\n"]
    head = f"{line} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{headers}\r\n\r\n"
    responses: list[bytes] = []
    for _ in range(5):
        responses += await asyncio.gather(
            *(asyncio.to_thread(exchanged, port, head, pieces) for _ in range(10))
        )
    assert Counter(response[:12] for response in responses) == {f"HTTP/1.1 {status}".encode(): 50}
    assert all(b'"status"' in response for response in responses)


async def test_rejection_arrives_while_client_sends(port: int) -> None:
    async with connected(port) as (reader, writer):
        head = (
            "POST /small HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 9000\r\n\r\n"
        )
        writer.write(head.encode())
        response = await reader.readuntil(b"\r\n\r\n")
        assert response.startswith(b"HTTP/1.1 413 ")
        assert b'"status": 413' in await reader.readuntil(b"}")
        writer.write(b" " * 9000)
        assert await reader.read() == b""  # the connection is closed after the complete body


async def test_rejected_request_keeps_connection_usable(port: int) -> None:
    async with connected(port) as (reader, writer):
        for _ in range(3):
            writer.write(
                b"POST /small HTTP/1.1\r\nHost: x\r\nContent-Length: 9000\r\n\r\n" + b" " * 9000
            )
            response = await reader.readuntil(b"\r\n\r\n")
            assert response.startswith(b"HTTP/1.1 413 ")
            assert b"connection: close" not in response
            await reader.readuntil(b"}")


async def test_rejected_body_gets_no_100_continue(port: int) -> None:
    """RFC 9110, section 10.1.1."""
    async with connected(port) as (reader, writer):
        writer.write(b"POST /small HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n")
        writer.write(b"Content-Length: 9000\r\n\r\n")
        response = await reader.read()  # to the end of the connection
        assert response.startswith(b"HTTP/1.1 413 ")
        assert b"connection: close" in response


async def test_accepted_body_gets_100_continue(port: int) -> None:
    async with connected(port) as (reader, writer):
        head = (
            "POST /small HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n"
        )
        writer.write(head.encode())
        assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        writer.write(b"{}")
        assert (await reader.readline()).startswith(b"HTTP/1.1 503 ")


class Exchange:
    """The server side of a request whose body consists of endless equal pieces."""

    def __init__(self, piece: bytes, headers: list[tuple[bytes, bytes]]) -> None:
        self.scope: Scope = {"type": "http", "method": "POST", "path": "/", "headers": headers}
        self.received = 0
        self.sent: list[Message] = []
        self._piece = piece

    async def receive(self) -> Message:
        if not self._piece:
            await asyncio.Event().wait()
        assert self.sent, "the response is sent first"
        self.received += len(self._piece)
        return {"type": "http.request", "body": self._piece, "more_body": True}

    async def send(self, message: Message) -> None:
        self.sent.append(message)


LENGTH = [(b"content-length", b"10000000")]
CHUNKED = [(b"transfer-encoding", b"chunked")]


async def serve(app: ASGIApp, exchange: Exchange) -> None:
    await app(exchange.scope, exchange.receive, exchange.send)


@pytest.mark.parametrize("headers", [LENGTH, CHUNKED], ids=["length", "chunks"])
async def test_rest_of_body_is_read_up_to_1_mib(headers: list[tuple[bytes, bytes]]) -> None:
    exchange = Exchange(b" " * 1000, headers)
    await serve(UnreadBody(PlainTextResponse("no")), exchange)
    assert MIB <= exchange.received < MIB + 1000
    start, body, end = exchange.sent
    assert (body["body"], body["more_body"]) == (b"no", True)
    assert (end["body"], end["more_body"]) == (b"", False)
    is_last = (b"connection", b"close") in start["headers"]
    assert is_last == (headers is CHUNKED)  # a body of unknown length may be endless


async def test_rest_of_body_is_read_within_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(UnreadBody, "timeout_s", 0)
    exchange = Exchange(b"", LENGTH)
    await serve(UnreadBody(PlainTextResponse("no")), exchange)
    assert [message.get("more_body") for message in exchange.sent] == [None, True, False]


@pytest.mark.parametrize("headers", [[], [(b"content-length", b"0")]], ids=["none", "empty"])
async def test_request_without_body_gets_response_at_once(
    headers: list[tuple[bytes, bytes]],
) -> None:
    exchange = Exchange(b"", headers)
    await serve(UnreadBody(PlainTextResponse("yes")), exchange)
    assert [message.get("more_body", False) for message in exchange.sent] == [False, False]


async def test_response_after_read_body_is_not_delayed() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        while (await receive())["more_body"]:
            pass
        await PlainTextResponse("yes")(scope, receive, send)

    exchange = Exchange(b"", LENGTH)

    async def receive() -> Message:
        return {"type": "http.request", "body": b"all", "more_body": False}

    await UnreadBody(app)(exchange.scope, receive, exchange.send)
    assert [message.get("more_body", False) for message in exchange.sent] == [False, False]
