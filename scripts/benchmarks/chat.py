"""Many connections to one process of the chat: cost of an idle one, and delay of streamed text.

The fake model sends its clock as text: each token is `<nanoseconds> `. So a client can compute the
age of the last token it received. Model, clients and chat share the cores of this machine, so the
delays are upper bounds. Model and clients are plain streams, which leaves more CPU to the chat.
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

# An instance accepts at most 1,000 connections (infra/services.tf).
_IDLE_CONNECTIONS, _ACTIVE_CONNECTIONS = 1000, 100
_RESPONSE_S = 10
_TOKENS_PER_S = (20, 50)
_IDLE_S = 20
_NO_EMULATOR = f"{HOST}:1"  # TEST_MODE turns rate limits off, so the chat uses no database
_KEY = "benchmark"
_END = b"\x1e"
_HANDSHAKE = b'{"protocol":"json","version":1}' + _END
_INVOCATION = b'{"type":1,"invocationId":"1","target":"SendMessage","arguments":["Hello"]}' + _END
_COMPLETED = b'"type":3'
_TIMESTAMP = re.compile(rb"(\d{10,}) ")

_Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass
class _Model:
    """A fake of OpenAI's Chat Completions that streams at a constant rate."""

    tokens_per_s: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Respond to one request."""
        head = await reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
        await reader.readexactly(int(length[1]) if length else 0)
        writer.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n"
        )
        # A random offset: real streams do not send their tokens at the same instant.
        start = time.monotonic() + random.random() / self.tokens_per_s  # noqa: S311
        for number in range(_RESPONSE_S * self.tokens_per_s):
            await asyncio.sleep(start + number / self.tokens_per_s - time.monotonic())
            _write_chunk(writer, f'{{"content":"{time.monotonic_ns()} "}}', "null")
        _write_chunk(writer, "{}", '"stop"')
        # The length of the last event is 14 bytes: e in hexadecimal.
        writer.write(b"e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n")
        await writer.drain()
        writer.close()


def _write_chunk(writer: asyncio.StreamWriter, delta: str, finish_reason: str) -> None:
    choice = f'{{"index":0,"delta":{delta},"finish_reason":{finish_reason}}}'
    event = (
        f'data: {{"id":"c","object":"chat.completion.chunk","created":0,"model":"m",'
        f'"choices":[{choice}]}}\n\n'
    )
    writer.write(f"{len(event):x}\r\n{event}\r\n".encode())


@dataclass
class _Received:
    """Age of the newest token in each read, and number of frames."""

    ages_s: list[float] = field(default_factory=list)
    frames: int = 0


@contextmanager
def _chat(port: int, model: str) -> Iterator[psutil.Process]:
    """Run the chat as in production, with its model at this URL."""
    settings = {
        **environment(Emulators(_NO_EMULATOR, _NO_EMULATOR)),
        "OPENAI_API_KEY": "none",
        "OPENAI_BASE_URL": f"{model}/v1",
        "TEST_MODE": "True",
        "WEB_AUTH_KEY": _KEY,
    }
    process = subprocess.Popen(
        command("chat", port),
        env={**os.environ, **settings},
        stderr=subprocess.DEVNULL,  # the chat logs one line per response
    )
    try:
        # Poll, because the process has no signal that it is ready.
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


async def _connect(port: int) -> _Streams:
    """Open a WebSocket and complete the SignalR handshake."""
    # A raw socket: a client library would use more CPU, and leave less to the chat.
    reader, writer = await asyncio.open_connection(HOST, port)
    writer.write(
        f"GET /ai-chat HTTP/1.1\r\nHost: {HOST}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
        f"Authorization: Bearer Web {_KEY}\r\n\r\n".encode()
    )
    await reader.readuntil(b"\r\n\r\n")
    _write_frame(writer, _HANDSHAKE)
    await reader.readuntil(_END)
    return reader, writer


def _write_frame(writer: asyncio.StreamWriter, text: bytes) -> None:
    """Send a text frame. A mask of zeros leaves the payload unchanged (RFC 6455, section 5.2)."""
    writer.write(bytes((0x81, 0x80 | len(text))) + bytes(4) + text)


async def _converse(streams: _Streams, received: _Received) -> None:
    """Send one invocation, and record the age of the newest token of each read."""
    reader, writer = streams
    _write_frame(writer, _INVOCATION)
    while True:
        # One read may return several frames, and a frame several tokens: the last token counts.
        frames = await reader.read(2**20)
        now = time.monotonic_ns()
        received.frames += frames.count(_END)
        if timestamps := _TIMESTAMP.findall(frames):
            received.ages_s.append((now - int(timestamps[-1])) / 1e9)
        if _COMPLETED in frames:
            return


def _read_cpu_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.user + times.system


async def _measure_idle(process: psutil.Process, port: int, connections: list[_Streams]) -> None:
    """Measure the cost of idle connections."""
    # The first connections allocate memory for the process, so they do not count.
    connections += [await _connect(port) for _ in range(_ACTIVE_CONNECTIONS)]
    await asyncio.sleep(1)
    before = process.memory_info().rss
    for _ in track(range(_IDLE_CONNECTIONS), "connecting", console=console):
        connections.append(await _connect(port))
    await asyncio.sleep(1)
    each = (process.memory_info().rss - before) / _IDLE_CONNECTIONS
    console.print(f"measuring CPU for {_IDLE_S} s ...")
    cpu_s = _read_cpu_s(process)
    await asyncio.sleep(_IDLE_S)
    cpu_s = _read_cpu_s(process) - cpu_s
    show(
        f"{_IDLE_CONNECTIONS:,} idle connections of one process, {_PYTHON}",
        ("memory of each", "CPU of all, with pings"),
        [(f"{each / 1024:.1f} KiB", f"{cpu_s / _IDLE_S:.1%} of a core")],
    )


async def _measure_active(
    process: psutil.Process, model: _Model, active: list[_Streams], tokens_per_s: int
) -> tuple[str, ...]:
    """Measure the delay of tokens while the other connections are idle."""
    console.print(f"{_ACTIVE_CONNECTIONS} active connections, {tokens_per_s} tokens per second ...")
    model.tokens_per_s = tokens_per_s
    received, cpu_s = _Received(), _read_cpu_s(process)
    await asyncio.gather(*(_converse(streams, received) for streams in active))
    cpu_s = _read_cpu_s(process) - cpu_s
    tokens = _ACTIVE_CONNECTIONS * tokens_per_s * _RESPONSE_S
    return (
        str(tokens_per_s),
        milliseconds(median(received.ages_s)),
        milliseconds(quantiles(received.ages_s, n=100)[-1]),
        f"{100 * received.frames / tokens:.0f}",
        f"{cpu_s / _RESPONSE_S:.0%}",
        f"{process.memory_info().rss / 2**20:.0f} MiB",
    )


async def _run() -> None:
    ports, model = free_ports(), _Model()
    connections: list[_Streams] = []
    server = await asyncio.start_server(model.serve, HOST, ports.fakes)
    with _chat(ports.of("chat"), url(ports.fakes)) as process:
        await _measure_idle(process, ports.of("chat"), connections)
        active = connections[:_ACTIVE_CONNECTIONS]
        rows = [await _measure_active(process, model, active, rate) for rate in _TOKENS_PER_S]
        for _, writer in connections:
            writer.close()
    server.close()
    columns = ("tokens per second, each", "age of a token, median", "p99", "frames per 100 tokens")
    show(
        f"{_ACTIVE_CONNECTIONS} active connections: from the model's token to the client's frame",
        (*columns, "CPU of a core", "RSS"),
        rows,
    )


_PYTHON = f"Python {sys.version_info.major}.{sys.version_info.minor}"


def main() -> None:
    """Run the measurement and print the result."""
    # uvloop uses less CPU than the loop of asyncio, which leaves more to the chat.
    uvloop.run(_run())
