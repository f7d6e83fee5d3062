"""Clients that do not take what they are told as fast as it is said."""

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed

from functions.chat.connection import Timing
from tests.functions.chat.aftermath import nothing_left
from tests.functions.chat.hub_for_tests import (
    PING,
    HubForTests,
    alive,
    call,
    completed,
    new_gate,
    opened,
)
from tests.functions.chat.service import PATIENCE_S, Running, Wire, hub_alone, served_chat
from tests.loopback import until

LETTERS, TIMES = 50, 2000
"""50 MB in all, of which operating systems keep a few for who does not read."""


@pytest.fixture(scope="module")
def running() -> Iterator[Running]:
    with served_chat(hub_alone(HubForTests)) as running:
        yield running


async def flood(wire: Wire, invocation_id: str | None = "1") -> None:
    """Have much said, without reading any of it."""
    gate = new_gate()
    await wire.send(call(invocation_id, "Grow", LETTERS, TIMES, gate))
    await opened(gate)


def lengths(said: list[Any]) -> list[int]:
    return [len(record["arguments"][0]) for record in said]


async def test_a_slow_client_gets_the_newest_state_and_not_every_one(running: Running) -> None:
    """So what is kept for it does not grow, and it is not behind once it reads again."""
    async with running.shaken_by_a_slow_client() as wire:
        await flood(wire)
        wire.enlarge_buffers()
        *said, end = await wire.until_completed("1")
        assert await alive(wire)
    assert end == completed("1")
    assert len(said) < TIMES / 2
    assert lengths(said) == sorted(set(lengths(said)))
    assert lengths(said)[-1] == LETTERS * TIMES
    # tcp(7), TCP_NOTSENT_LOWAT: operating systems would keep a few million letters of old news.
    assert sum(lengths(said)[:-1]) < 500_000


async def test_a_slow_client_slows_down_nobody_else(running: Running) -> None:
    async with running.shaken_by_a_slow_client() as slow, running.shaken() as wire:
        await flood(slow)
        await wire.send(call("1", "Grow", 1, 10, new_gate()))
        *said, end = await wire.until_completed("1")
        assert (lengths(said)[-1], end) == (10, completed("1"))
        slow.socket.transport.abort()
    await nothing_left(running)


async def test_a_client_that_reads_again_gets_the_newest_pong(running: Running) -> None:
    """RFC 6455, section 5.5.3: of several pings the newest may be answered alone."""
    async with running.shaken_by_a_slow_client() as wire:
        await flood(wire)
        answered = [await wire.socket.ping() for _ in range(3)]
        await wire.send(call("2", "Grow", 1, 1, gate := new_gate()))
        await opened(gate)  # so the pings have come, and could not be answered
        wire.enlarge_buffers()
        await wire.until_completed("2")
        async with asyncio.timeout(PATIENCE_S):
            await asyncio.gather(*answered)


async def test_a_slow_clients_farewell_is_answered_though_a_ping_came_with_it(
    running: Running,
) -> None:
    """RFC 6455, section 5.5.1."""
    no_mask, code = bytes(4), (1000).to_bytes(2, "big")
    async with running.shaken_by_a_slow_client() as wire:
        await flood(wire)
        ping, close = bytes((0x89, 0x80)) + no_mask, bytes((0x88, 0x82)) + no_mask + code
        wire.socket.transport.write(ping + close)
        wire.enlarge_buffers()
        await wire.rest()
        assert await wire.closed() == 1000
    await nothing_left(running)


async def test_a_client_that_asks_without_listening_is_let_go(running: Running) -> None:
    """Completions cannot be replaced by newer ones: there must be an end to them."""
    async with running.shaken_by_a_slow_client() as wire:
        await flood(wire)
        with suppress(ConnectionClosed):
            for number in range(1000):
                await wire.send(call(f"asked {number}", "Unknown"))
        said = await wire.rest()
    # The server keeps 64 completions; room in the system's buffers may take such groups before.
    assert sum(record["type"] == 3 for record in said) < 500
    await nothing_left(running)


async def test_a_client_that_goes_without_having_read_leaves_nothing(running: Running) -> None:
    async with running.shaken_by_a_slow_client() as wire:
        await flood(wire)
        wire.socket.transport.abort()
    await nothing_left(running)


async def test_a_client_that_neither_reads_nor_speaks_is_given_up() -> None:
    """The contract, "Chat": after 120 s of silence; here after 0.2 s, and some for a farewell."""
    with served_chat(hub_alone(HubForTests, Timing(silence_s=0.2, farewell_s=0.2))) as running:
        async with running.shaken_by_a_slow_client() as wire:
            await flood(wire, None)
            await until(lambda: running.chat.connected == 0 and running.tasks() == [])
            wire.socket.transport.abort()
        await nothing_left(running)


async def test_a_client_that_speaks_without_reading_does_not_stay_for_ever() -> None:
    with served_chat(
        hub_alone(HubForTests, Timing(longest_s=0.2, ping_s=0.05, farewell_s=0.2))
    ) as running:
        async with running.shaken_by_a_slow_client() as wire:
            await flood(wire, None)
            with suppress(ConnectionClosed):
                async with asyncio.timeout(PATIENCE_S):
                    while running.chat.connected:
                        await wire.send(PING)
                        await asyncio.sleep(0.01)
            await until(lambda: running.chat.connected == 0)
            wire.socket.transport.abort()
        await nothing_left(running)


async def test_a_client_that_breaks_the_protocol_without_reading_does_not_stay() -> None:
    with served_chat(hub_alone(HubForTests, Timing(ping_s=0.05, farewell_s=0.2))) as running:
        async with running.shaken_by_a_slow_client() as wire:
            await flood(wire, None)
            await wire.send({"type": "rubbish"})
            await until(lambda: running.chat.connected == 0)
            wire.socket.transport.abort()
        await nothing_left(running)
