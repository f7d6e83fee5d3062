"""Many connections to one process of the chat: what an idle one costs, and how words travel.

The model of this measurement says when it says each word: `<nanoseconds> `. So whoever receives a
text knows how old its last word is. Model, clients and chat share this machine's cores, so the
times are upper bounds; to leave the chat as much as can be, model and clients are plain streams.
"""

import asyncio
import os
import random
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from statistics import median, quantiles

import httpx
import psutil
import uvloop
from rich.progress import track

from scripts.benchmarks.report import console, milliseconds, show
from scripts.local.ports import HOST, url
from scripts.local.services import Emulators, command, environment
from scripts.local.stack import free_ports

_IDLE, _TALKING = 1000, 100
_SECONDS = 10
_WORDS_PER_S = (20, 50)
_WATCHED_S = 20
_NOBODYS_EMULATOR = f"{HOST}:1"  # TEST_MODE counts nothing, so nothing is stored
_KEY = "benchmark"
_END = b"\x1e"
_HANDSHAKE = b'{"protocol":"json","version":1}' + _END
_ASK = b'{"type":1,"invocationId":"1","target":"SendMessage","arguments":["Talk"]}' + _END
_COMPLETED = b'"type":3'
_STAMP = re.compile(rb"(\d{10,}) ")

_Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass
class _Model:
    """Talks as Chat Completions do, at a steady pace."""

    words_per_s: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request."""
        head = await reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
        await reader.readexactly(int(length[1]) if length else 0)
        writer.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n"
        )
        # Real models do not speak in chorus.
        begun = time.monotonic() + random.random() / self.words_per_s  # noqa: S311
        for number in range(_SECONDS * self.words_per_s):
            await asyncio.sleep(begun + number / self.words_per_s - time.monotonic())
            _say(writer, f'{{"content":"{time.monotonic_ns()} "}}', "null")
        _say(writer, "{}", '"stop"')
        writer.write(b"e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n")
        await writer.drain()
        writer.close()


def _say(writer: asyncio.StreamWriter, delta: str, ended: str) -> None:
    choice = f'{{"index":0,"delta":{delta},"finish_reason":{ended}}}'
    event = (
        f'data: {{"id":"c","object":"chat.completion.chunk","created":0,"model":"m",'
        f'"choices":[{choice}]}}\n\n'
    )
    writer.write(f"{len(event):x}\r\n{event}\r\n".encode())


@dataclass
class _Heard:
    """How old the newest word of each frame was, and how many frames came."""

    ages_s: list[float] = field(default_factory=list)
    frames: int = 0


@contextmanager
def _chat(port: int, model: str) -> Iterator[psutil.Process]:
    """Run the chat as in production, with its model at that address."""
    settings = {
        **environment(Emulators(_NOBODYS_EMULATOR, _NOBODYS_EMULATOR)),
        "OPENAI_API_KEY": "none",
        "OPENAI_BASE_URL": f"{model}/v1",
        "TEST_MODE": "True",
        "WEB_AUTH_KEY": _KEY,
    }
    process = subprocess.Popen(
        command("chat", port),
        env={**os.environ, **settings},
        stderr=subprocess.DEVNULL,  # a line for each reply
    )
    try:
        while True:
            try:
                httpx.get(url(port) + "/health").raise_for_status()
                break
            except httpx.TransportError:
                time.sleep(0.05)
        yield psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait()


async def _join(port: int) -> _Streams:
    """Connect and shake hands."""
    reader, writer = await asyncio.open_connection(HOST, port)
    writer.write(
        f"GET /ai-chat HTTP/1.1\r\nHost: {HOST}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
        f"Authorization: Bearer Web {_KEY}\r\n\r\n".encode()
    )
    await reader.readuntil(b"\r\n\r\n")
    _frame(writer, _HANDSHAKE)
    await reader.readuntil(_END)
    return reader, writer


def _frame(writer: asyncio.StreamWriter, text: bytes) -> None:
    """Send a text frame, masked with zeros. Source: RFC 6455, section 5.2."""
    writer.write(bytes((0x81, 0x80 | len(text))) + bytes(4) + text)


async def _listen(streams: _Streams, heard: _Heard) -> None:
    """Have the coach talk, and note how old each newest word is when it comes."""
    reader, writer = streams
    _frame(writer, _ASK)
    while True:
        frames = await reader.read(2**20)
        now = time.monotonic_ns()
        heard.frames += frames.count(_END)
        if stamps := _STAMP.findall(frames):
            heard.ages_s.append((now - int(stamps[-1])) / 1e9)
        if _COMPLETED in frames:
            return


def _cpu_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.user + times.system


async def _idle(process: psutil.Process, port: int, everybody: list[_Streams]) -> None:
    """Measure what idle connections cost."""
    everybody += [await _join(port) for _ in range(_TALKING)]  # what the first ones need is not ...
    await asyncio.sleep(1)
    before = process.memory_info().rss  # ... what each one needs
    for _ in track(range(_IDLE), "connecting", console=console):
        everybody.append(await _join(port))
    await asyncio.sleep(1)
    each = (process.memory_info().rss - before) / _IDLE
    console.print(f"watching them for {_WATCHED_S} s ...")
    cpu_s = _cpu_s(process)
    await asyncio.sleep(_WATCHED_S)
    cpu_s = _cpu_s(process) - cpu_s
    show(
        f"{_IDLE:,} idle connections of one process, {_PYTHON}",
        ("memory of each", "CPU of all, with their pings"),
        [(f"{each / 1024:.1f} KiB", f"{cpu_s / _WATCHED_S:.1%} of a core")],
    )


async def _talk(
    process: psutil.Process, model: _Model, talking: list[_Streams], words_per_s: int
) -> tuple[str, ...]:
    """Measure how words travel while the others are idle."""
    console.print(f"{_TALKING} talk, {words_per_s} words a second each ...")
    model.words_per_s = words_per_s
    heard, cpu_s = _Heard(), _cpu_s(process)
    await asyncio.gather(*(_listen(streams, heard) for streams in talking))
    cpu_s = _cpu_s(process) - cpu_s
    words = _TALKING * words_per_s * _SECONDS
    return (
        str(words_per_s),
        milliseconds(median(heard.ages_s)),
        milliseconds(quantiles(heard.ages_s, n=100)[-1]),
        f"{100 * heard.frames / words:.0f}",
        f"{cpu_s / _SECONDS:.0%}",
        f"{process.memory_info().rss / 2**20:.0f} MiB",
    )


async def _run() -> None:
    ports, model = free_ports(), _Model()
    everybody: list[_Streams] = []
    server = await asyncio.start_server(model.serve, HOST, ports.fakes)
    with _chat(ports.of("chat"), url(ports.fakes)) as process:
        await _idle(process, ports.of("chat"), everybody)
        talking = everybody[:_TALKING]
        rows = [await _talk(process, model, talking, pace) for pace in _WORDS_PER_S]
        for _, writer in everybody:
            writer.close()
    server.close()
    columns = ("words a second, each", "age of a word, median", "p99", "frames for 100 words")
    show(
        f"{_TALKING} of them talk: from the model's word to the client's frame",
        (*columns, "CPU of a core", "RSS"),
        rows,
    )


_PYTHON = f"Python {sys.version_info.major}.{sys.version_info.minor}"


def main() -> None:
    """Measure and print."""
    uvloop.run(_run())
