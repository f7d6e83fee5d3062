"""A TCP proxy that records the traffic of clients and can cut their connections."""

import asyncio
import re
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from scripts.local.ports import HOST

_STATUS = re.compile(rb"HTTP/1\.1 (\d{3}) ")
_HEAD = re.compile(rb"(?:GET|OPTIONS|POST) /\S* HTTP/1\.1\r\n(?:[^\r\n]+\r\n)*")
_LINGER_0_S = struct.pack("ii", 1, 0)  # enabled, 0 s: the socket sends RST when it closes
_READ_BYTES = 64 * 1024


class TcpProxy:
    """Forwards all bytes between clients and a server, and keeps a copy."""

    def __init__(self, server: str) -> None:
        self._port = int(server.rpartition(":")[2])
        self._writers: list[asyncio.StreamWriter] = []
        self._tasks: set[asyncio.Task[object]] = set()
        self._sent = bytearray()
        self._received = bytearray()
        self.address = ""

    @property
    def sent_bytes(self) -> int:
        """The number of bytes that clients have sent."""
        return len(self._sent)

    @property
    def requests(self) -> list[str]:
        """The heads of all requests, oldest first."""
        return [head.decode() for head in _HEAD.findall(self._sent)]

    @property
    def statuses(self) -> list[int]:
        """The statuses of all responses, oldest first."""
        return [int(status) for status in _STATUS.findall(self._received)]

    def cut(self, *, is_abrupt: bool = True) -> None:
        """End all connections without a close frame; abruptly with a TCP reset."""
        writers, self._writers = self._writers, []
        for writer in writers:
            if writer.is_closing():
                continue
            if is_abrupt:
                raw = writer.get_extra_info("socket")
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_0_S)
            writer.transport.abort()

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Start to forward one client's connection."""
        server_reader, server_writer = await asyncio.open_connection(HOST, self._port)
        self._writers += [writer, server_writer]
        for forwarding in (
            _forward(reader, server_writer, self._sent),
            _forward(server_reader, writer, self._received),
        ):
            self._tasks.add(asyncio.create_task(forwarding))

    async def close(self) -> None:
        """Cut all connections, and wait for the end of all tasks."""
        self.cut()
        if self._tasks:
            await asyncio.wait(self._tasks)


async def _forward(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, copy: bytearray
) -> None:
    with suppress(ConnectionError):
        while data := await reader.read(_READ_BYTES):
            copy += data
            writer.write(data)
            await writer.drain()
    writer.close()


@asynccontextmanager
async def open_proxy(server: str) -> AsyncIterator[TcpProxy]:
    """Run a proxy for the server at this address."""
    proxy = TcpProxy(server)
    listener = await asyncio.start_server(proxy.accept, HOST, 0)
    proxy.address = f"http://{HOST}:{listener.sockets[0].getsockname()[1]}"
    try:
        yield proxy
    finally:
        listener.close()
        await proxy.close()
