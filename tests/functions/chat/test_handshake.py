"""The handshake."""

import json
from collections.abc import Iterator
from contextlib import suppress

import pytest
from websockets.exceptions import ConnectionClosed

from functions.chat.connection import Timing
from functions.chat.protocol import MAX_RECORD_CHARACTERS
from tests.functions.chat.fake_hub import (
    PING,
    FakeHub,
    completion,
    hub_invocation,
    invocation,
    is_alive,
)
from tests.functions.chat.resource_checks import wait_until_released
from tests.functions.chat.running_chat import END, HANDSHAKE, RunningChat, serve_chat, single_hub
from tests.loopback import until


@pytest.fixture(scope="module")
def server() -> Iterator[RunningChat]:
    with serve_chat(single_hub(FakeHub)) as server:
        yield server


async def test_handshake_response_is_the_first_record() -> None:
    """HubProtocol, "Overview"; contract, "Chat": no ping precedes it."""
    with serve_chat(single_hub(FakeHub, Timing(ping_s=0.02))) as server:
        async with server.connect() as silent, server.connect_to_hub() as other:
            for _ in range(10):
                assert await other.receive() == PING
            await silent.send_frame(HANDSHAKE)
            assert await silent.receive() == {}
            assert await silent.receive() == PING


async def test_handshake_response_is_an_empty_object(server: RunningChat) -> None:
    """HubProtocol, "Overview": terminated by 0x1E."""
    async with server.connect() as client:
        await client.send_frame(HANDSHAKE)
        assert await client.socket.recv() == "{}" + END


async def test_messages_may_share_the_handshake_frame(server: RunningChat) -> None:
    """Contract, "Chat": in the same frame."""
    async with server.connect() as client:
        first, second = invocation("1", "Repeat", "a", 1), invocation("2", "Repeat", "b", 2)
        records = (json.dumps(record) + END for record in (first, second))
        await client.send_frame(HANDSHAKE + "".join(records))
        assert await client.receive() == {}
        received = [await client.receive() for _ in range(4)]
    assert [each for each in received if each["type"] == 1] == [
        hub_invocation("Repeated", ["a", 1]),
        hub_invocation("Repeated", ["b", 2]),
    ]


async def test_handshake_frame_may_end_inside_a_message(server: RunningChat) -> None:
    """HubProtocol, "JSON Encoding": records do not depend on frames."""
    record = json.dumps(invocation("1", "Nothing")) + END
    async with server.connect() as client:
        await client.send_frame(HANDSHAKE + record[:9])
        assert await client.receive() == {}
        await client.send_frame(record[9:])
        assert await client.receive() == completion("1")


async def test_handshake_may_span_many_frames(server: RunningChat) -> None:
    """HubProtocol, "JSON Encoding": records do not depend on frames."""
    async with server.connect() as client:
        for character in HANDSHAKE:
            await client.send_frame(character)
        assert await client.receive() == {}
        assert await is_alive(client)


async def test_handshake_may_be_binary(server: RunningChat) -> None:
    """TransportProtocols, "Transfer Formats": some clients send binary frames only."""
    async with server.connect() as client:
        await client.send_frame(HANDSHAKE.encode())
        assert await client.receive() == {}
        assert await is_alive(client)


@pytest.mark.parametrize(
    "first",
    [
        '{"protocol":"messagepack","version":1}',
        '{"protocol":"SECRET-protocol","version":1}',
        '{"protocol":"JSON","version":1}',
        '{"protocol":"json","version":2}',
        '{"protocol":"json","version":-1}',
        '{"protocol":"json","version":"1"}',
        '{"protocol":"json","version":null}',
        '{"protocol":"json"}',
        '{"protocol":null,"version":1}',
        '{"Protocol":"json","Version":1}',
        '{"version":1}',
        '{"type":6}',
        '{"type":1,"invocationId":"1","target":"Nothing","arguments":[]}',
        "{}",
        "[]",
        "null",
        '"SECRET-word"',
        "SECRET-word",
        '{"protocol":"json","version":1',
        HANDSHAKE[:-1] + HANDSHAKE[:-1],
        "",
        "x" * (MAX_RECORD_CHARACTERS + 1),
    ],
    ids=lambda first: first[:50] or "empty",
)
async def test_invalid_handshake_gets_an_error(server: RunningChat, first: str) -> None:
    """HubProtocol, "Overview": error and close; TransportProtocols: any code but 1000."""
    async with server.connect() as client:
        await client.send_frame(first + END + json.dumps(invocation("1", "Nothing")) + END)
        response = await client.receive()
        assert await client.wait_closed() == 1002
        assert await client.receive_rest() == []
    assert list(response) == ["error"]
    assert isinstance(response["error"], str)
    assert "SECRET" not in response["error"]
    await wait_until_released(server)


async def test_handshake_that_is_not_utf8_gets_an_error(server: RunningChat) -> None:
    """HubProtocol, "Overview": the handshake is always JSON."""
    async with server.connect() as client:
        await client.send_frame(b"\x92\xff" + HANDSHAKE.encode())
        assert list(await client.receive()) == ["error"]
        assert await client.wait_closed() == 1002


@pytest.mark.parametrize("partial", ["", HANDSHAKE[:-1]], ids=["empty", "incomplete"])
async def test_missing_handshake_closes_the_connection(partial: str) -> None:
    """Contract, "Chat": after 60 s; in this test after 0.2 s."""
    with serve_chat(single_hub(FakeHub, Timing(handshake_timeout_s=0.2, ping_s=0.02))) as server:
        async with server.connect() as client:
            with suppress(ConnectionClosed):  # on a slow machine, the timeout may expire first
                await client.send_frame(partial)
            assert list(await client.receive()) == ["error"]
            assert await client.wait_closed() == 1002
            assert await client.receive_rest() == []
        await wait_until_released(server)


async def test_disconnect_before_handshake_releases_all(server: RunningChat) -> None:
    async with server.connect():
        await until(lambda: server.handlers.connection_count == 1)
    async with server.connect() as client:
        await until(lambda: server.handlers.connection_count == 1)
        client.socket.transport.abort()
    await wait_until_released(server)


async def test_draining_server_responds_to_late_handshake() -> None:
    """HubProtocol, "Overview": the handshake response precedes the close message."""
    with serve_chat(single_hub(FakeHub), grace_s=120) as server:
        async with server.connect() as late, server.connect_to_hub() as other:
            await until(lambda: server.handlers.connection_count == 2)
            server.stop()
            assert (await other.receive())["type"] == 7
            await late.send_frame(HANDSHAKE)
            assert await late.receive() == {}
            assert await late.receive() == {"type": 7, "allowReconnect": True}
            assert await late.wait_closed() == 1000
