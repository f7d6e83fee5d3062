"""A line between clients and a server that shows how they connect, and can be cut."""

import asyncio
import re
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from scripts.local.ports import HOST

_STATUS = re.compile(rb"HTTP/1\.1 (\d{3}) ")
_HEAD = re.compile(rb"(?:GET|POST) /\S* HTTP/1\.1\r\n(?:[^\r\n]+\r\n)*")
_RESET = struct.pack("ii", 1, 0)  # on, and lingering for 0 s
_MUCH = 64 * 1024


class Cable:
    """Passes everything on, and keeps a copy of it."""

    def __init__(self, server: str) -> None:
        self._port = int(server.rpartition(":")[2])
        self._ends: list[asyncio.StreamWriter] = []
        self._passing: set[asyncio.Task[object]] = set()
        self._sent = bytearray()
        self._received = bytearray()
        self.address = ""

    @property
    def sent_bytes(self) -> int:
        """How much clients have sent."""
        return len(self._sent)

    @property
    def requests(self) -> list[str]:
        """What clients have asked for: first lines with headers, oldest first."""
        return [head.decode() for head in _HEAD.findall(self._sent)]

    @property
    def statuses(self) -> list[int]:
        """What they were answered."""
        return [int(status) for status in _STATUS.findall(self._received)]

    def cut(self, *, is_abrupt: bool = True) -> None:
        """End all connections without a farewell; abruptly is as if the machine were gone."""
        ends, self._ends = self._ends, []
        for end in ends:
            if end.is_closing():
                continue
            if is_abrupt:
                end.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            end.transport.abort()

    async def connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one client's connection until either side ends it."""
        there, back = await asyncio.open_connection(HOST, self._port)
        self._ends += [writer, back]
        for passing in (
            _pass_on(reader, back, self._sent),
            _pass_on(there, writer, self._received),
        ):
            self._passing.add(asyncio.create_task(passing))

    async def removed(self) -> None:
        """Cut it, and wait until nothing is left of it."""
        self.cut()
        if self._passing:
            await asyncio.wait(self._passing)


async def _pass_on(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, copy: bytearray
) -> None:
    with suppress(ConnectionError):
        while data := await reader.read(_MUCH):
            copy += data
            writer.write(data)
            await writer.drain()
    writer.close()


@asynccontextmanager
async def cable(server: str) -> AsyncIterator[Cable]:
    """Lay a line to the server at this address, with an address of its own."""
    line = Cable(server)
    listening = await asyncio.start_server(line.connect, HOST, 0)
    line.address = f"http://{HOST}:{listening.sockets[0].getsockname()[1]}"
    try:
        yield line
    finally:
        listening.close()
        await line.removed()
