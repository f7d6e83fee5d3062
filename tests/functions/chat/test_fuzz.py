"""Random input: the server responds or closes the connection, without errors or leaks."""

import asyncio
import json
from base64 import b64encode
from collections.abc import Iterator
from contextlib import suppress
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.exceptions import ConnectionClosed

from scripts.local.ports import HOST
from tests.functions.chat.fake_hub import (
    FakeHub,
    cancellation,
    completion,
    hub_invocation,
    invocation,
    is_alive,
)
from tests.functions.chat.generated_messages import MESSAGES, RECORDS
from tests.functions.chat.resource_checks import collect_errors, wait_until_released
from tests.functions.chat.running_chat import (
    END,
    HANDSHAKE,
    TEST_TIMEOUT_S,
    TOKEN,
    RunningChat,
    serve_chat,
    single_hub,
)

FRAMES_OF_RECORDS = st.lists(RECORDS, max_size=4).map(lambda records: END.join([*records, ""]))
FRAMES_OF_ONE = MESSAGES.map(lambda message: message + END)
FRAMES = st.lists(
    FRAMES_OF_ONE | FRAMES_OF_RECORDS | st.text() | st.binary(max_size=300), min_size=1, max_size=8
)


@pytest.fixture(scope="module")
def server() -> Iterator[RunningChat]:
    with serve_chat(single_hub(FakeHub)) as server:
        yield server


INVOCATIONS = st.lists(st.tuples(st.text(), st.integers()), max_size=8)
IGNORED_MESSAGES = st.sampled_from(
    [{"type": 6}, {"type": 99}, cancellation("nothing"), {"type": 2, "item": "ü"}]
)


@given(
    INVOCATIONS,
    st.lists(IGNORED_MESSAGES, max_size=4),
    st.lists(st.integers(0, 2000)),
    st.randoms(),
)
async def test_responses_do_not_depend_on_frame_boundaries(
    server: RunningChat,
    invocations: list[tuple[str, int]],
    ignored: list[dict[str, Any]],
    cuts: list[int],
    random: Any,
) -> None:
    """HubProtocol, "JSON Encoding"; contract, "Chat": also in the frame of the handshake."""
    messages = [
        invocation(str(id_), "Repeat", *arguments) for id_, arguments in enumerate(invocations)
    ]
    for other in ignored:
        messages.insert(random.randint(0, len(messages)), other)
    records = [json.dumps(each, ensure_ascii=random.random() < 0.5) + END for each in messages]
    stream = HANDSHAKE + "".join(records)
    places = [0, *sorted(cut % len(stream) for cut in cuts), len(stream)]
    async with server.connect() as client:
        for begin, end in pairwise(places):
            frame = stream[begin:end]
            await client.send_frame(frame.encode() if random.random() < 0.3 else frame)
        assert await client.receive() == {}
        received = [await client.receive() for _ in range(2 * len(invocations))]
        assert await is_alive(client)
    from_hub = [record for record in received if record["type"] == 1]
    completions = [record for record in received if record["type"] == 3]
    assert from_hub == [hub_invocation("Repeated", [text, number]) for text, number in invocations]
    assert sorted(completions, key=str) == [
        completion(str(number)) for number in range(len(invocations))
    ]


async def check_survival(
    server: RunningChat, first: str, frames: list[str | bytes], *, sends_close: bool
) -> None:
    """Send frames and disconnect, with or without a close message. Check for errors and leaks."""
    with collect_errors() as errors:
        async with server.connect() as client:
            with suppress(ConnectionClosed):
                for frame in (first, *frames):
                    await client.send_frame(frame)
                if sends_close:
                    await client.send_frame(END + '{"type":7}' + END)
                    await client.receive_rest()
            client.socket.transport.abort()
        await wait_until_released(server)
    assert errors == []
    async with server.connect_to_hub() as client:
        assert await is_alive(client)


@given(frames=FRAMES, sends_close=st.booleans())
async def test_server_survives_any_frames_before_handshake(
    server: RunningChat, frames: list[str | bytes], *, sends_close: bool
) -> None:
    await check_survival(server, "", frames, sends_close=sends_close)


@given(frames=FRAMES, sends_close=st.booleans())
async def test_server_survives_any_frames_after_handshake(
    server: RunningChat, frames: list[str | bytes], *, sends_close: bool
) -> None:
    await check_survival(server, HANDSHAKE, frames, sends_close=sends_close)


UPGRADE = (
    "GET /hub HTTP/1.1\r\nHost: chat\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {b64encode(bytes(16)).decode()}\r\n"
    f"Authorization: Web {TOKEN}\r\n\r\n"
)
HEADS = st.tuples(st.integers(0, 255), st.sampled_from([0, 5, 0x80, 0x85, 0xFE, 0xFF])).map(bytes)
BYTES = st.lists(HEADS | st.binary(max_size=20), max_size=6).map(b"".join)


@given(st.sampled_from(["", UPGRADE[:40], UPGRADE]), BYTES)
async def test_server_survives_any_bytes(server: RunningChat, first: str, data: bytes) -> None:
    """RFC 6455, section 7.1.7: malformed frames fail the connection."""
    with collect_errors() as errors:
        port = server.port
        reader, writer = await asyncio.open_connection(HOST, port)
        with suppress(ConnectionError):
            async with asyncio.timeout(TEST_TIMEOUT_S):
                writer.write(first.encode())
                if first == UPGRADE:
                    assert b" 101 " in await reader.readuntil(b"\r\n\r\n")
                writer.write(data)
                writer.write_eof()
                await reader.read()
        writer.transport.abort()
        await wait_until_released(server)
    assert errors == []
    async with server.connect_to_hub() as client:
        assert await is_alive(client)
