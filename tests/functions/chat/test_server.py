"""What the server does with connections that the library alone would let go on for ever."""

import asyncio
import socket
from collections.abc import Iterator

import psutil
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidMessage, InvalidStatus

from scripts.local.ports import HOST
from tests.functions.chat.aftermath import nothing_left
from tests.functions.chat.hub_for_tests import HubForTests
from tests.functions.chat.service import TOKEN, Running, Wire, hub_alone, served_chat
from tests.loopback import until

MIB = 2**20
PING_OF_125_BYTES = bytes((0x89, 0x80 | 125, 0, 0, 0, 0)) + b"x" * 125
FRAGMENT = bytes((0x00, 0x81, 0, 0, 0, 0)) + b" "


@pytest.fixture
def running() -> Iterator[Running]:
    with served_chat(hub_alone(HubForTests)) as running:
        yield running


@pytest.mark.parametrize(
    "headers",
    [{"X-Long": "x" * 200_000}, {f"X-{number}": "x" for number in range(300)}],
    ids=["a long one", "many"],
)
async def test_an_upgrade_with_too_many_headers_is_refused(
    running: Running, headers: dict[str, str]
) -> None:
    where = running.address.replace("http", "ws", 1) + "/hub"
    with pytest.raises((InvalidStatus, InvalidMessage, OSError)) as caught:
        await connect(where, additional_headers=headers)
    if isinstance(caught.value, InvalidStatus):  # else it has hung up before we had said it all
        assert caught.value.response.status_code in (400, 431)
    await until(lambda: running.sockets == 0)


async def poured(wire: Wire, frame: bytes, size: int) -> None:
    """Write frames past the client library, without reading anything."""
    transport = wire.socket.transport
    transport.pause_reading()
    batch = frame * 1000
    for _ in range(size // len(batch)):
        transport.write(batch)
        await until(lambda: transport.get_write_buffer_size() < MIB)


async def test_a_flood_of_pings_whose_answers_nobody_reads_takes_no_memory(
    running: Running,
) -> None:
    async with running.shaken() as wire, running.shaken() as other:
        before = psutil.Process().memory_info().rss
        await poured(wire, PING_OF_125_BYTES, 60 * MIB)
        await other.send({"type": 1, "invocationId": "1", "target": "Nothing", "arguments": []})
        await other.until_completed("1")
        assert psutil.Process().memory_info().rss - before < 30 * MIB
        wire.socket.transport.abort()


async def test_a_message_of_very_many_fragments_is_refused(running: Running) -> None:
    raw = socket.create_connection((HOST, int(running.address.rpartition(":")[2])))
    with raw:
        raw.sendall(
            b"GET /hub HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
            b"Authorization: Web " + TOKEN.encode() + b"\r\n\r\n"
        )
        assert raw.recv(4096).startswith(b"HTTP/1.1 101")
        raw.settimeout(20)
        raw.sendall(bytes((0x01, 0x81, 0, 0, 0, 0)) + b" " + FRAGMENT * 20_000)
        answer = await asyncio.to_thread(raw.recv, 4096)
        assert answer[2:4] == (1009).to_bytes(2, "big")
    await nothing_left(running)


async def test_a_burst_of_calls_in_frames_of_their_own_is_served(running: Running) -> None:
    async with running.shaken() as wire:
        for number in range(90):
            await wire.send(
                {"type": 1, "invocationId": str(number), "target": "Nothing", "arguments": []}
            )
        said = [await wire.record() for _ in range(90)]
    assert said == [{"type": 3, "invocationId": str(number)} for number in range(90)]


async def test_half_a_character_is_replaced(running: Running) -> None:
    async with running.shaken() as wire:
        await wire.frame(
            r'{"type":1,"invocationId":"1","target":"Repeat","arguments":["a\ud83d",1]}' + "\x1e"
        )
        assert (await wire.record())["arguments"] == [["a\ufffd", 1]]
        assert await wire.record() == {"type": 3, "invocationId": "1"}


async def test_no_waiting_call_begins_after_the_end(running: Running) -> None:
    async with running.shaken() as wire:
        for invocation_id in ("1", "2", "3"):
            await wire.send(
                {"type": 1, "invocationId": invocation_id, "target": "Wait", "arguments": ["never"]}
            )
        assert [(await wire.record())["target"] for _ in range(2)] == ["Waiting", "Waiting"]
        await wire.send({"type": 5, "invocationId": "1"}, {"type": 7})
        assert all(record["type"] != 1 for record in await wire.rest())
    await nothing_left(running)
