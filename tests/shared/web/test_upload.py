"""Uploads: their limit, their size, and the memory that they need."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest

from scripts.local.ports import HOST
from shared.schemas.wire import Request
from shared.web.app import build_app
from shared.web.routes import Route
from shared.web.upload import Upload
from tests.fakes import FakeServers
from tests.loopback import until

MAX_BYTES = 1_000_000


class EmptyRequest(Request):
    """Has no fields."""


class Receiver:
    """Receives uploads piece by piece."""

    def __init__(self) -> None:
        self.sizes: list[int] = []
        self.announced: int | None = None
        self.is_interrupted = False
        self.pauses = False
        self._continue = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    async def post(self, _request: EmptyRequest, upload: Upload) -> None:
        self._loop = asyncio.get_running_loop()
        self.announced = upload.announced_bytes()
        try:
            async for chunk in upload.chunks():
                self.sizes.append(len(chunk))
                if self.pauses:
                    await self._continue.wait()
        except BaseException:
            self.is_interrupted = True
            raise

    def resume(self) -> None:
        """Read on. The handler runs in the thread of the server."""
        assert self._loop is not None
        self._loop.call_soon_threadsafe(self._continue.set)


@pytest.fixture
def receiver() -> Receiver:
    return Receiver()


@pytest.fixture
def url(fake_servers: FakeServers, receiver: Receiver) -> str:
    route = Route(
        "POST", "/upload", "x", EmptyRequest, None, receiver.post, max_upload_bytes=MAX_BYTES
    )
    return fake_servers.serve("uploads", build_app([route]))


@pytest.fixture
async def http(url: str) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=url, timeout=60) as client:
        yield client


async def chunked(size: int) -> AsyncIterator[bytes]:
    for start in range(0, size, 10_000):
        yield bytes(min(10_000, size - start))


@pytest.mark.parametrize("is_chunked", [False, True], ids=["announced", "chunked"])
@pytest.mark.parametrize(("size", "status"), [(0, 200), (MAX_BYTES, 200), (MAX_BYTES + 1, 413)])
async def test_size_of_upload_is_limited(
    http: httpx.AsyncClient, receiver: Receiver, size: int, status: int, *, is_chunked: bool
) -> None:
    content = chunked(size) if is_chunked else bytes(size)
    response = await http.post("/upload", content=content)
    assert response.status_code == status
    if status == 200:
        assert sum(receiver.sizes) == size
        assert receiver.announced == (None if is_chunked else size)


async def test_announced_size_is_refused_unread(
    http: httpx.AsyncClient, receiver: Receiver
) -> None:
    assert (await http.post("/upload", content=bytes(MAX_BYTES + 1))).status_code == 413
    assert receiver.sizes == []


async def test_refused_upload_of_waiting_client_is_not_sent(url: str) -> None:
    port = int(url.rpartition(":")[2])
    reader, writer = await asyncio.open_connection(HOST, port)
    writer.write(
        b"POST /upload HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n"
        b"Content-Length: 32000000\r\n\r\n"
    )
    assert (await reader.readline()).startswith(b"HTTP/1.1 413 ")
    writer.close()
    await writer.wait_closed()


@pytest.mark.parametrize("framing", ["Content-Length: 900000", "Transfer-Encoding: chunked"])
async def test_disconnect_interrupts_the_handler(
    url: str, receiver: Receiver, framing: str
) -> None:
    port = int(url.rpartition(":")[2])
    _reader, writer = await asyncio.open_connection(HOST, port)
    writer.write(f"POST /upload HTTP/1.1\r\nHost: x\r\n{framing}\r\n\r\n".encode())
    writer.write(b"186a0\r\n" + bytes(100_000))
    await until(lambda: bool(receiver.sizes))
    writer.transport.abort()
    await until(lambda: receiver.is_interrupted)


async def test_server_reads_no_faster_than_the_handler(
    http: httpx.AsyncClient, receiver: Receiver
) -> None:
    receiver.pauses = True
    sent = 0

    async def counted() -> AsyncIterator[bytes]:
        nonlocal sent
        async for chunk in chunked(MAX_BYTES):
            sent += len(chunk)
            yield chunk

    running = asyncio.create_task(http.post("/upload", content=counted()))
    await until(lambda: bool(receiver.sizes))
    assert len(receiver.sizes) == 1
    receiver.resume()
    assert (await running).status_code == 200
    assert sum(receiver.sizes) == sent == MAX_BYTES
    # Each piece is at most the buffer of the server, not what the client sent meanwhile.
    assert max(receiver.sizes) < 400_000
