"""Pings, timeouts and the close of connections."""

import asyncio
from itertools import pairwise

import pytest

from functions.chat.connection import Timing
from functions.chat.settings import ChatSettings
from shared.planner.settings import ModelSettings
from tests.functions.chat.asgi_client import AsgiClient, complete_handshake, serve_connection
from tests.functions.chat.fake_hub import PING, FakeHub, completion, hub_invocation, invocation
from tests.functions.chat.resource_checks import wait_until_released
from tests.functions.chat.running_chat import serve_chat, single_hub
from tests.virtual_time import in_virtual_time

CLOSE_MESSAGE = {"type": 7, "allowReconnect": True}
PLATFORM_LIMIT_S = 3600


def now_s() -> float:
    return asyncio.get_running_loop().time()


async def send_pings(client: AsgiClient, until_s: float) -> None:
    """Send a ping each 15 s, as the official client does."""
    while now_s() < until_s and client.close_code is None:
        client.send_messages(PING)
        await asyncio.sleep(15)


@in_virtual_time
async def test_idle_client_gets_a_ping_every_15_s() -> None:
    """HubProtocol, "Ping"; contract, "Chat"."""
    client = AsgiClient()
    async with serve_connection(client):
        await complete_handshake(client)
        await asyncio.sleep(60)
        client.send_messages(invocation("1", "Note", "x"))
        await asyncio.sleep(60)
        client.send_messages({"type": 7})
    assert [record for record in client.records if record != PING] == [completion("1")]
    times = [0.0, *(at for at, _ in client.received), 120.0]
    assert all(later - earlier < 15 for earlier, later in pairwise(times))


def test_default_timing_matches_the_contract() -> None:
    """Contract, "Chat": a ping every 15 s; timeouts of 120 s and 60 s."""
    timing = Timing()
    assert 2 * timing.ping_s < 15  # the check runs at the same interval
    assert (timing.silence_timeout_s, timing.handshake_timeout_s) == (120, 60)
    assert timing.max_age_s + timing.drain_timeout_s + timing.ping_s + timing.close_timeout_s < 3600
    assert timing.drain_timeout_s > ModelSettings().deadline_s
    assert timing.max_age_s == ChatSettings().max_age_s


@in_virtual_time
async def test_client_that_gets_other_messages_gets_no_pings() -> None:
    """HubProtocol, "Ping": only sent if the interval has elapsed without a message being sent."""
    client = AsgiClient()
    async with serve_connection(client):
        await complete_handshake(client)
        client.send_messages(invocation("1", "Tick", 20, 5))
        await asyncio.sleep(101)
        client.send_messages({"type": 7})
    assert client.records == [
        *(hub_invocation("Ticked", number) for number in range(20)),
        completion("1"),
    ]


@in_virtual_time
async def test_silent_client_is_closed_after_120_s() -> None:
    """Contract, "Chat". The client may reconnect."""
    client = AsgiClient()
    async with serve_connection(client):
        await complete_handshake(client)
    assert 120 < now_s() < 120 + 15
    *pings, last = client.records
    assert pings == [PING] * len(pings)
    assert last.pop("error")
    assert (last, client.close_code) == (CLOSE_MESSAGE, 1000)


@in_virtual_time
async def test_silent_client_is_closed_while_it_gets_messages() -> None:
    """Contract, "Chat": only messages of the client count."""
    client = AsgiClient()
    async with serve_connection(client):
        await complete_handshake(client)
        client.send_messages(invocation("1", "Tick", 10**6, 2))
    assert 120 < now_s() < 120 + 15
    *ticks, last = client.records
    assert ticks == [hub_invocation("Ticked", number) for number in range(len(ticks))]
    assert len(ticks) >= 60
    assert (last["allowReconnect"], client.close_code) == (True, 1000)


@pytest.mark.parametrize("sign", ['{"type":6}\x1e', " "], ids=["ping", "part of a message"])
@in_virtual_time
async def test_messages_keep_a_connection_open(sign: str) -> None:
    """HubProtocol, "Ping"."""
    client = AsgiClient()
    async with serve_connection(client):
        await complete_handshake(client)
        for _ in range(20):
            await asyncio.sleep(110)
            client.send_frame(sign)
        await asyncio.sleep(110)
        assert client.close_code is None
        assert all(record == PING for record in client.records)
        client.send_messages({"type": 7})


async def test_close_message_closes_the_connection() -> None:
    """HubProtocol, "Close"; contract, "Chat": a normal close is 1000."""
    with serve_chat(single_hub(FakeHub)) as server:
        async with server.connect_to_hub() as client:
            await client.send({"type": 7}, invocation("1", "Nothing"))
            assert await client.receive_rest() == []
            assert await client.wait_closed() == 1000
        await wait_until_released(server)


@pytest.mark.parametrize("code", [1000, 1001, 3000])
async def test_close_frame_gets_the_same_code(code: int) -> None:
    """RFC 6455, section 5.5.1: the server returns the code."""
    with serve_chat(single_hub(FakeHub)) as server:
        async with server.connect_to_hub() as client:
            await client.socket.close(code)
            assert await client.wait_closed() == code
        await wait_until_released(server)


@in_virtual_time
async def test_idle_connection_ends_before_the_platform_cuts_it() -> None:
    """The client may reconnect."""
    client = AsgiClient()
    async with serve_connection(client):
        await complete_handshake(client)
        await send_pings(client, PLATFORM_LIMIT_S)
    assert 3400 < client.received[-1][0] < 3400 + 15
    assert client.records[-1] == CLOSE_MESSAGE
    assert client.records[:-1] == [PING] * (len(client.records) - 1)
    assert client.close_code == 1000


@in_virtual_time
async def test_old_connection_waits_for_invocations() -> None:
    client = AsgiClient()
    async with serve_connection(client) as (_, hub):
        await complete_handshake(client)
        await send_pings(client, 3380)
        client.send_messages(
            invocation("1", "Wait"), invocation("2", "Wait"), invocation("3", "Note", "x")
        )
        await send_pings(client, 3500)
        assert (hub.notes, client.close_code) == (["waits", "waits"], None)
        hub.gate.set()
    *ends, last = [record for record in client.records if record != PING]
    assert sorted(ends, key=str) == [completion("1"), completion("2"), completion("3")]
    assert (last, client.close_code) == (CLOSE_MESSAGE, 1000)


@in_virtual_time
async def test_busy_connection_ends_before_the_platform_cuts_it() -> None:
    client = AsgiClient()
    async with serve_connection(client):
        await complete_handshake(client)
        client.send_messages(invocation("1", "Wait"))
        await send_pings(client, PLATFORM_LIMIT_S)
    assert 3400 + 150 < client.received[-1][0] < PLATFORM_LIMIT_S
    assert client.records[-1] == CLOSE_MESSAGE
    assert client.close_code == 1000
    assert completion("1") not in client.records


@pytest.mark.parametrize("max_age_s", [7, 13.9, 14, 21])
@in_virtual_time
async def test_close_message_is_sent_when_a_ping_is_due_as_well(max_age_s: float) -> None:
    """HubProtocol, "Close": without it the official client does not reconnect."""
    client = AsgiClient()
    async with serve_connection(client, Timing(max_age_s=max_age_s)):
        await complete_handshake(client)
    assert client.records[-1] == CLOSE_MESSAGE
