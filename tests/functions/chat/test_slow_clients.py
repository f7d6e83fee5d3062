"""Clients that read more slowly than the server writes."""

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed

from functions.chat.connection import Timing
from tests.functions.chat.fake_hub import (
    PING,
    FakeHub,
    completion,
    invocation,
    is_alive,
    new_gate,
    wait_for_gate,
)
from tests.functions.chat.resource_checks import wait_until_released
from tests.functions.chat.running_chat import (
    TEST_TIMEOUT_S,
    RawClient,
    RunningChat,
    serve_chat,
    single_hub,
)
from tests.loopback import until

STEP_CHARACTERS, STEPS = 50, 2000
"""100 MB in all. Operating systems buffer a few of them for a client that does not read."""


@pytest.fixture(scope="module")
def server() -> Iterator[RunningChat]:
    with serve_chat(single_hub(FakeHub)) as server:
        yield server


async def fill_buffers(client: RawClient, invocation_id: str | None = "1") -> None:
    """Let the hub send many messages, without reading them."""
    gate = new_gate()
    await client.send(invocation(invocation_id, "Grow", STEP_CHARACTERS, STEPS, gate))
    await wait_for_gate(gate)


def lengths(records: list[Any]) -> list[int]:
    return [len(record["arguments"][0]) for record in records]


async def test_slow_client_gets_only_the_newest_states(server: RunningChat) -> None:
    """Memory stays bounded, and the client is up to date once it reads again."""
    async with server.connect_slowly() as client:
        await fill_buffers(client)
        client.enlarge_buffers()
        *records, end = await client.receive_until_completed("1")
        assert await is_alive(client)
    assert end == completion("1")
    assert len(records) < STEPS / 2
    assert lengths(records) == sorted(set(lengths(records)))
    assert lengths(records)[-1] == STEP_CHARACTERS * STEPS
    # tcp(7), TCP_NOTSENT_LOWAT: otherwise the kernel buffers megabytes of outdated states.
    assert sum(lengths(records)[:-1]) < 500_000


async def test_slow_client_does_not_delay_others(server: RunningChat) -> None:
    async with server.connect_slowly() as slow, server.connect_to_hub() as client:
        await fill_buffers(slow)
        await client.send(invocation("1", "Grow", 1, 10, new_gate()))
        *records, end = await client.receive_until_completed("1")
        assert (lengths(records)[-1], end) == (10, completion("1"))
        slow.socket.transport.abort()
    await wait_until_released(server)


async def test_client_that_reads_again_gets_a_pong(server: RunningChat) -> None:
    """RFC 6455, section 5.5.3: one pong for the newest of several pings is enough."""
    async with server.connect_slowly() as client:
        await fill_buffers(client)
        pongs = [await client.socket.ping() for _ in range(3)]
        await client.send(invocation("2", "Grow", 1, 1, gate := new_gate()))
        await wait_for_gate(gate)  # the server has received the pings, and could not send a pong
        client.enlarge_buffers()
        await client.receive_until_completed("2")
        async with asyncio.timeout(TEST_TIMEOUT_S):
            await asyncio.gather(*pongs)


async def test_slow_client_gets_a_close_frame_after_a_ping(
    server: RunningChat,
) -> None:
    """RFC 6455, section 5.5.1."""
    no_mask, code = bytes(4), (1000).to_bytes(2, "big")
    async with server.connect_slowly() as client:
        await fill_buffers(client)
        ping, close = bytes((0x89, 0x80)) + no_mask, bytes((0x88, 0x82)) + no_mask + code
        client.socket.transport.write(ping + close)
        client.enlarge_buffers()
        await client.receive_rest()
        assert await client.wait_closed() == 1000
    await wait_until_released(server)


async def test_client_that_never_reads_completions_is_closed(server: RunningChat) -> None:
    """Completions cannot replace each other, so their number is limited."""
    async with server.connect_slowly() as client:
        await fill_buffers(client)
        with suppress(ConnectionClosed):
            for number in range(1000):
                await client.send(invocation(f"unread {number}", "Unknown"))
        records = await client.receive_rest()
    # The server keeps 64 completions. The kernel's buffers hold some more.
    assert sum(record["type"] == 3 for record in records) < 500
    await wait_until_released(server)


async def test_slow_client_releases_all_when_it_disconnects(server: RunningChat) -> None:
    async with server.connect_slowly() as client:
        await fill_buffers(client)
        client.socket.transport.abort()
    await wait_until_released(server)


async def test_slow_silent_client_is_closed() -> None:
    """Contract, "Chat": after 120 s of silence; in this test after 0.2 s."""
    with serve_chat(
        single_hub(FakeHub, Timing(silence_timeout_s=0.2, close_timeout_s=0.2))
    ) as server:
        async with server.connect_slowly() as client:
            await fill_buffers(client, None)
            await until(lambda: server.handlers.connection_count == 0 and server.tasks() == [])
            client.socket.transport.abort()
        await wait_until_released(server)


async def test_slow_active_client_is_closed_at_max_age() -> None:
    with serve_chat(
        single_hub(FakeHub, Timing(max_age_s=0.2, ping_s=0.05, close_timeout_s=0.2))
    ) as server:
        async with server.connect_slowly() as client:
            await fill_buffers(client, None)
            with suppress(ConnectionClosed):
                async with asyncio.timeout(TEST_TIMEOUT_S):
                    while server.handlers.connection_count:
                        await client.send(PING)
                        await asyncio.sleep(0.01)
            await until(lambda: server.handlers.connection_count == 0)
            client.socket.transport.abort()
        await wait_until_released(server)


async def test_slow_client_is_closed_after_a_violation() -> None:
    with serve_chat(single_hub(FakeHub, Timing(ping_s=0.05, close_timeout_s=0.2))) as server:
        async with server.connect_slowly() as client:
            await fill_buffers(client, None)
            await client.send({"type": "invalid"})
            await until(lambda: server.handlers.connection_count == 0)
            client.socket.transport.abort()
        await wait_until_released(server)
