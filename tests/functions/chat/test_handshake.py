"""What is said first."""

import json
from collections.abc import Iterator
from contextlib import suppress

import pytest
from websockets.exceptions import ConnectionClosed

from functions.chat.connection import Timing
from functions.chat.protocol import LONGEST_RECORD
from tests.functions.chat.aftermath import nothing_left
from tests.functions.chat.hub_for_tests import PING, HubForTests, alive, call, called, completed
from tests.functions.chat.service import END, HANDSHAKE, Running, hub_alone, served_chat
from tests.loopback import until


@pytest.fixture(scope="module")
def running() -> Iterator[Running]:
    with served_chat(hub_alone(HubForTests)) as running:
        yield running


async def test_nothing_comes_before_its_answer() -> None:
    """HubProtocol, "Overview"; contract, "Chat": not even a ping."""
    with served_chat(hub_alone(HubForTests, Timing(ping_s=0.02))) as running:
        async with running.connected() as silent, running.shaken() as other:
            for _ in range(10):
                assert await other.record() == PING
            await silent.frame(HANDSHAKE)
            assert await silent.record() == {}
            assert await silent.record() == PING


async def test_its_answer_is_a_frame_of_text_that_says_nothing(running: Running) -> None:
    """HubProtocol, "Overview": terminated by 0x1E."""
    async with running.connected() as wire:
        await wire.frame(HANDSHAKE)
        assert await wire.socket.recv() == "{}" + END


async def test_messages_may_come_with_it(running: Running) -> None:
    """The contract, "Chat": in the same frame."""
    async with running.connected() as wire:
        first, second = call("1", "Repeat", "a", 1), call("2", "Repeat", "b", 2)
        records = (json.dumps(record) + END for record in (first, second))
        await wire.frame(HANDSHAKE + "".join(records))
        assert await wire.record() == {}
        said = [await wire.record() for _ in range(4)]
    assert [each for each in said if each["type"] == 1] == [
        called("Repeated", ["a", 1]),
        called("Repeated", ["b", 2]),
    ]


async def test_the_beginning_of_a_message_may_come_with_it(running: Running) -> None:
    """HubProtocol, "JSON Encoding": records are no frames."""
    record = json.dumps(call("1", "Nothing")) + END
    async with running.connected() as wire:
        await wire.frame(HANDSHAKE + record[:9])
        assert await wire.record() == {}
        await wire.frame(record[9:])
        assert await wire.record() == completed("1")


async def test_it_may_come_letter_by_letter(running: Running) -> None:
    """HubProtocol, "JSON Encoding": records are no frames."""
    async with running.connected() as wire:
        for letter in HANDSHAKE:
            await wire.frame(letter)
        assert await wire.record() == {}
        assert await alive(wire)


async def test_it_may_be_binary(running: Running) -> None:
    """TransportProtocols, "Transfer Formats": some clients send all they say as bytes."""
    async with running.connected() as wire:
        await wire.frame(HANDSHAKE.encode())
        assert await wire.record() == {}
        assert await alive(wire)


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
        "x" * (LONGEST_RECORD + 1),
    ],
    ids=lambda first: first[:50] or "nothing",
)
async def test_what_is_none_is_answered_with_an_error(running: Running, first: str) -> None:
    """HubProtocol, "Overview": error and close; TransportProtocols: with a code but 1000."""
    async with running.connected() as wire:
        await wire.frame(first + END + json.dumps(call("1", "Nothing")) + END)
        answer = await wire.record()
        assert await wire.closed() == 1002
        assert await wire.rest() == []
    assert list(answer) == ["error"]
    assert isinstance(answer["error"], str)
    assert "SECRET" not in answer["error"]
    await nothing_left(running)


async def test_bytes_that_are_no_text_are_answered_with_an_error(running: Running) -> None:
    """HubProtocol, "Overview": the handshake is always JSON."""
    async with running.connected() as wire:
        await wire.frame(b"\x92\xff" + HANDSHAKE.encode())
        assert list(await wire.record()) == ["error"]
        assert await wire.closed() == 1002


@pytest.mark.parametrize("begun", ["", HANDSHAKE[:-1]], ids=["nothing", "no end"])
async def test_one_that_does_not_come_ends_the_connection(begun: str) -> None:
    """The contract, "Chat": after 60 s; here after 0.2 s."""
    with served_chat(hub_alone(HubForTests, Timing(handshake_s=0.2, ping_s=0.02))) as running:
        async with running.connected() as wire:
            with suppress(ConnectionClosed):  # on a slow machine, it may be over already
                await wire.frame(begun)
            assert list(await wire.record()) == ["error"]
            assert await wire.closed() == 1002
            assert await wire.rest() == []
        await nothing_left(running)


async def test_a_client_that_goes_before_it_leaves_nothing(running: Running) -> None:
    async with running.connected():
        await until(lambda: running.chat.connected == 1)
    async with running.connected() as wire:
        await until(lambda: running.chat.connected == 1)
        wire.socket.transport.abort()
    await nothing_left(running)


async def test_a_server_that_leaves_answers_it_first() -> None:
    """HubProtocol, "Overview": the answer comes first; then we may say goodbye."""
    with served_chat(hub_alone(HubForTests), grace_s=120) as running:
        async with running.connected() as late, running.shaken() as other:
            await until(lambda: running.chat.connected == 2)
            running.stop()
            assert (await other.record())["type"] == 7
            await late.frame(HANDSHAKE)
            assert await late.record() == {}
            assert await late.record() == {"type": 7, "allowReconnect": True}
            assert await late.closed() == 1000
