"""What is said first."""

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


async def test_nothing_comes_before_its_answer() -> None:
    """HubProtocol, "Overview"; contract, "Chat": not even a ping."""
    with serve_chat(single_hub(FakeHub, Timing(ping_s=0.02))) as server:
        async with server.connect() as silent, server.connect_to_hub() as other:
            for _ in range(10):
                assert await other.receive() == PING
            await silent.send_frame(HANDSHAKE)
            assert await silent.receive() == {}
            assert await silent.receive() == PING


async def test_its_answer_is_a_frame_of_text_that_says_nothing(server: RunningChat) -> None:
    """HubProtocol, "Overview": terminated by 0x1E."""
    async with server.connect() as client:
        await client.send_frame(HANDSHAKE)
        assert await client.socket.recv() == "{}" + END


async def test_messages_may_come_with_it(server: RunningChat) -> None:
    """The contract, "Chat": in the same frame."""
    async with server.connect() as client:
        first, second = invocation("1", "Repeat", "a", 1), invocation("2", "Repeat", "b", 2)
        records = (json.dumps(record) + END for record in (first, second))
        await client.send_frame(HANDSHAKE + "".join(records))
        assert await client.receive() == {}
        said = [await client.receive() for _ in range(4)]
    assert [each for each in said if each["type"] == 1] == [
        hub_invocation("Repeated", ["a", 1]),
        hub_invocation("Repeated", ["b", 2]),
    ]


async def test_the_beginning_of_a_message_may_come_with_it(server: RunningChat) -> None:
    """HubProtocol, "JSON Encoding": records are no frames."""
    record = json.dumps(invocation("1", "Nothing")) + END
    async with server.connect() as client:
        await client.send_frame(HANDSHAKE + record[:9])
        assert await client.receive() == {}
        await client.send_frame(record[9:])
        assert await client.receive() == completion("1")


async def test_it_may_come_letter_by_letter(server: RunningChat) -> None:
    """HubProtocol, "JSON Encoding": records are no frames."""
    async with server.connect() as client:
        for letter in HANDSHAKE:
            await client.send_frame(letter)
        assert await client.receive() == {}
        assert await is_alive(client)


async def test_it_may_be_binary(server: RunningChat) -> None:
    """TransportProtocols, "Transfer Formats": some clients send all they say as bytes."""
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
    ids=lambda first: first[:50] or "nothing",
)
async def test_what_is_none_is_answered_with_an_error(server: RunningChat, first: str) -> None:
    """HubProtocol, "Overview": error and close; TransportProtocols: with a code but 1000."""
    async with server.connect() as client:
        await client.send_frame(first + END + json.dumps(invocation("1", "Nothing")) + END)
        answer = await client.receive()
        assert await client.wait_closed() == 1002
        assert await client.receive_rest() == []
    assert list(answer) == ["error"]
    assert isinstance(answer["error"], str)
    assert "SECRET" not in answer["error"]
    await wait_until_released(server)


async def test_bytes_that_are_no_text_are_answered_with_an_error(server: RunningChat) -> None:
    """HubProtocol, "Overview": the handshake is always JSON."""
    async with server.connect() as client:
        await client.send_frame(b"\x92\xff" + HANDSHAKE.encode())
        assert list(await client.receive()) == ["error"]
        assert await client.wait_closed() == 1002


@pytest.mark.parametrize("begun", ["", HANDSHAKE[:-1]], ids=["nothing", "no end"])
async def test_one_that_does_not_come_ends_the_connection(begun: str) -> None:
    """The contract, "Chat": after 60 s; here after 0.2 s."""
    with serve_chat(single_hub(FakeHub, Timing(handshake_timeout_s=0.2, ping_s=0.02))) as server:
        async with server.connect() as client:
            with suppress(ConnectionClosed):  # on a slow machine, it may be over already
                await client.send_frame(begun)
            assert list(await client.receive()) == ["error"]
            assert await client.wait_closed() == 1002
            assert await client.receive_rest() == []
        await wait_until_released(server)


async def test_a_client_that_goes_before_it_leaves_nothing(server: RunningChat) -> None:
    async with server.connect():
        await until(lambda: server.handlers.connection_count == 1)
    async with server.connect() as client:
        await until(lambda: server.handlers.connection_count == 1)
        client.socket.transport.abort()
    await wait_until_released(server)


async def test_a_server_that_leaves_answers_it_first() -> None:
    """HubProtocol, "Overview": the answer comes first; then we may say goodbye."""
    with serve_chat(single_hub(FakeHub), grace_s=120) as server:
        async with server.connect() as late, server.connect_to_hub() as other:
            await until(lambda: server.handlers.connection_count == 2)
            server.stop()
            assert (await other.receive())["type"] == 7
            await late.send_frame(HANDSHAKE)
            assert await late.receive() == {}
            assert await late.receive() == {"type": 7, "allowReconnect": True}
            assert await late.wait_closed() == 1000
