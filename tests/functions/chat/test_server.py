"""Limits of the server on clients."""

import asyncio
import json
import socket
from collections.abc import Iterator

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidMessage, InvalidStatus
from websockets.frames import CloseCode

from functions.chat.handlers import ChatHandlers
from functions.chat.websocket import WebSocketProtocol
from scripts.local.ports import HOST
from tests.caller_auth import caller_auth
from tests.functions.chat.fake_hub import (
    BlockingProvider,
    FakeHub,
    completion,
    invocation,
    is_alive,
    new_gate,
    open_gate,
    wait_for_gate,
)
from tests.functions.chat.resource_checks import collect_errors, wait_until_released
from tests.functions.chat.running_chat import (
    END,
    TEST_TIMEOUT_S,
    UPGRADE,
    RawClient,
    RunningChat,
    serve_chat,
    single_hub,
)
from tests.loopback import until

MIB = 2**20
NO_MASK = bytes(4)
PING = bytes((0x89, 0x80)) + NO_MASK
PONG = bytes((0x8A, 0x80)) + NO_MASK
PING_OF_125_BYTES = bytes((0x89, 0x80 | 125)) + NO_MASK + b"x" * 125
FRAGMENT = bytes((0x00, 0x81)) + NO_MASK + b" "
MESSAGE = bytes((0x81, 0x80 | 11)) + NO_MASK + b'{"type":6}\x1e'


@pytest.fixture
def server() -> Iterator[RunningChat]:
    with serve_chat(single_hub(FakeHub)) as server:
        yield server


@pytest.mark.parametrize(
    ("header", "status"),
    [("Content-Length: 3", 400), ("X-Long: " + "x" * 200_000, 431)],
    ids=["with a body", "with a long header"],
)
async def test_malformed_upgrade_gets_a_status(
    server: RunningChat, header: str, status: int
) -> None:
    """RFC 9110, section 15.5.1, and RFC 6585, section 5."""
    with socket.create_connection((HOST, server.port), timeout=TEST_TIMEOUT_S) as raw:
        head = UPGRADE.removesuffix(b"\r\n")
        await asyncio.to_thread(raw.sendall, head + header.encode() + b"\r\n\r\n")
        response = await asyncio.to_thread(raw.recv, 4096)
    assert response.startswith(f"HTTP/1.1 {status} ".encode())
    await wait_until_released(server)


@pytest.mark.parametrize(
    "headers",
    [{"X-Long": "x" * 200_000}, {f"X-{number}": "x" for number in range(300)}],
    ids=["a long one", "many"],
)
async def test_upgrade_with_too_many_headers_is_rejected(
    server: RunningChat, headers: dict[str, str]
) -> None:
    url = server.address.replace("http", "ws", 1) + "/hub"
    with pytest.raises((InvalidStatus, InvalidMessage, OSError)) as error:
        await connect(url, additional_headers=headers)
    # Otherwise the server closed the socket before the end of the request.
    if isinstance(error.value, InvalidStatus):
        assert error.value.response.status_code in (400, 431)
    await until(lambda: server.sockets == 0)


def masked_text(text: str) -> bytes:
    """Return a client's frame with a text of 126 bytes or more."""
    content = text.encode()
    return bytes((0x81, 0x80 | 126)) + len(content).to_bytes(2, "big") + NO_MASK + content


async def write_unread(client: RawClient, frames: bytes, size: int) -> bool:
    """Write frames to the socket without reading. Return whether the server accepted all."""
    transport = client.socket.transport
    transport.pause_reading()
    for _ in range(size // len(frames)):
        transport.write(frames)
        await until(lambda: transport.is_closing() or transport.get_write_buffer_size() < MIB)
        if transport.is_closing():
            return False
    return True


async def test_ping_flood_of_slow_client_keeps_memory_bounded(server: RunningChat) -> None:
    async with server.connect_slowly() as client, server.connect_to_hub() as other:
        assert await write_unread(client, PING_OF_125_BYTES * 5000 + MESSAGE, 8 * MIB)
        # When this invocation opens the gate, the server has read all previous frames.
        message = json.dumps(invocation(None, "Grow", 1, 1, gate := new_gate())) + END
        client.socket.transport.write(masked_text(message))
        await wait_for_gate(gate)
        assert server.unsent_bytes < MIB
        assert await is_alive(other)
        client.socket.transport.abort()


async def is_closed_for(server: RunningChat, frames: bytes) -> bool:
    """Return whether the server closes the connection of a client that sends these frames."""
    async with server.connect_to_hub() as client:
        client.socket.transport.write(frames)
        code = await client.wait_closed()
    await wait_until_released(server)
    return code == CloseCode.POLICY_VIOLATION


@pytest.mark.parametrize("frame", [PING, PONG, FRAGMENT], ids=["pings", "pongs", "fragments"])
async def test_many_frames_without_a_message_close(server: RunningChat, frame: bytes) -> None:
    """RFC 6455, section 7.4.1: 1008."""
    prefix = bytes((0x01, 0x81, 0, 0, 0, 0)) + b" " if frame is FRAGMENT else b""
    assert await is_closed_for(server, prefix + frame * 20_000)


async def test_many_frames_between_messages_are_accepted(server: RunningChat) -> None:
    async with server.connect_to_hub() as client:
        client.socket.transport.write((PONG * 9_000 + MESSAGE) * 4)
        assert await is_alive(client)


async def test_closed_connection_of_slow_client_is_aborted(
    server: RunningChat, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise its unread data stays in memory as long as the client's machine runs."""
    monkeypatch.setattr(WebSocketProtocol, "abort_after_s", 0.2)
    async with server.connect_to_hub() as client:
        assert not await write_unread(client, PING_OF_125_BYTES * 1000, 400 * MIB)
        await wait_until_released(server)


@pytest.mark.parametrize(
    "frame", [PING, MESSAGE, b"\x81\x01a"], ids=["ping", "message", "unmasked"]
)
async def test_frames_before_the_upgrade_are_a_bad_request(frame: bytes) -> None:
    """RFC 6455, section 4.1: a client waits for the response. It is not authenticated yet."""
    provider = BlockingProvider()
    chat = ChatHandlers(caller_auth({"Web": provider}), {"/hub": FakeHub})
    with serve_chat(chat) as server, collect_errors() as errors:
        with socket.create_connection((HOST, server.port), timeout=TEST_TIMEOUT_S) as raw:
            raw.sendall(UPGRADE)
            await wait_for_gate(provider.called)
            raw.sendall(frame)
            response = await asyncio.to_thread(raw.recv, 4096)
            open_gate(provider.released)
        assert response.startswith(b"HTTP/1.1 400 ")
        await wait_until_released(server)
    assert errors == []


@pytest.mark.parametrize("in_one_frame", [True, False], ids=["in one frame", "in many"])
async def test_burst_of_invocations_completes(server: RunningChat, *, in_one_frame: bool) -> None:
    messages = [invocation(str(number), "Nothing") for number in range(200)]
    async with server.connect_to_hub() as client:
        for each in [messages] if in_one_frame else [[one] for one in messages]:
            await client.send(*each)
        records = [await client.receive() for _ in messages]
    assert records == [completion(str(number)) for number in range(200)]


async def test_lone_surrogate_is_replaced(server: RunningChat) -> None:
    async with server.connect_to_hub() as client:
        await client.send_frame(
            r'{"type":1,"invocationId":"1","target":"Repeat","arguments":["a\ud83d",1]}' + "\x1e"
        )
        assert (await client.receive())["arguments"] == [["a\ufffd", 1]]
        assert await client.receive() == {"type": 3, "invocationId": "1"}


async def test_waiting_invocation_never_runs_after_a_close(server: RunningChat) -> None:
    async with server.connect_to_hub() as client:
        for invocation_id in ("1", "2", "3"):
            await client.send(
                {"type": 1, "invocationId": invocation_id, "target": "Wait", "arguments": ["never"]}
            )
        assert [(await client.receive())["target"] for _ in range(2)] == ["Waiting", "Waiting"]
        await client.send({"type": 5, "invocationId": "1"}, {"type": 7})
        assert all(record["type"] != 1 for record in await client.receive_rest())
    await wait_until_released(server)
