"""Signs of life, and the end of connections."""

import asyncio
from itertools import pairwise

import pytest

from functions.chat.connection import Timing
from functions.chat.settings import ChatSettings
from shared.planner.settings import ModelSettings
from tests.functions.chat.aftermath import nothing_left
from tests.functions.chat.hub_for_tests import PING, HubForTests, call, called, completed
from tests.functions.chat.peer import Peer, serving, shaken
from tests.functions.chat.service import hub_alone, served_chat
from tests.virtual_time import in_virtual_time

GOODBYE = {"type": 7, "allowReconnect": True}
PLATFORM_LIMIT_S = 3600


def now_s() -> float:
    return asyncio.get_running_loop().time()


async def send_pings(peer: Peer, until_s: float) -> None:
    """Send a ping each 15 s, as the official client does."""
    while now_s() < until_s and peer.code is None:
        peer.say(PING)
        await asyncio.sleep(15)


@in_virtual_time
async def test_idle_client_gets_a_ping_at_least_each_15_s() -> None:
    """HubProtocol, "Ping"; contract, "Chat"."""
    peer = Peer()
    async with serving(peer):
        await shaken(peer)
        await asyncio.sleep(60)
        peer.say(call("1", "Note", "x"))
        await asyncio.sleep(60)
        peer.say({"type": 7})
    assert [record for record in peer.records if record != PING] == [completed("1")]
    times = [0.0, *(at for at, _ in peer.heard), 120.0]
    assert all(later - earlier < 15 for earlier, later in pairwise(times))


def test_pings_come_often_enough_and_patience_is_as_promised() -> None:
    """The contract, "Chat": every 15 s; 120 s of silence, 60 s for a handshake."""
    timing = Timing()
    assert 2 * timing.ping_s < 15  # it looks as often whether one is due
    assert (timing.silence_s, timing.handshake_s) == (120, 60)
    assert timing.longest_s + timing.overtime_s + timing.ping_s + timing.farewell_s < 3600
    assert timing.overtime_s > ModelSettings().deadline_s
    assert timing.longest_s == ChatSettings().longest_s


@in_virtual_time
async def test_client_that_gets_other_messages_gets_no_pings() -> None:
    """HubProtocol, "Ping": only sent if the interval has elapsed without a message being sent."""
    peer = Peer()
    async with serving(peer):
        await shaken(peer)
        peer.say(call("1", "Drip", 20, 5))
        await asyncio.sleep(101)
        peer.say({"type": 7})
    assert peer.records == [*(called("Dripped", drop) for drop in range(20)), completed("1")]


@in_virtual_time
async def test_silent_client_is_given_up_after_120_s() -> None:
    """The contract, "Chat". It may come back."""
    peer = Peer()
    async with serving(peer):
        await shaken(peer)
    assert 120 < now_s() < 120 + 15
    *pings, last = peer.records
    assert pings == [PING] * len(pings)
    assert last.pop("error")
    assert (last, peer.code) == (GOODBYE, 1000)


@in_virtual_time
async def test_silent_client_is_given_up_while_it_gets_messages() -> None:
    """The contract, "Chat": messages to the client are no sign of its life."""
    peer = Peer()
    async with serving(peer):
        await shaken(peer)
        peer.say(call("1", "Drip", 10**6, 2))
    assert 120 < now_s() < 120 + 15
    *drops, last = peer.records
    assert drops == [called("Dripped", drop) for drop in range(len(drops))]
    assert len(drops) >= 60
    assert (last["allowReconnect"], peer.code) == (True, 1000)


@pytest.mark.parametrize("sign", ['{"type":6}\x1e', " "], ids=["ping", "part of a message"])
@in_virtual_time
async def test_signs_of_life_keep_a_connection(sign: str) -> None:
    """HubProtocol, "Ping"."""
    peer = Peer()
    async with serving(peer):
        await shaken(peer)
        for _ in range(20):
            await asyncio.sleep(110)
            peer.frame(sign)
        await asyncio.sleep(110)
        assert peer.code is None
        assert all(record == PING for record in peer.records)
        peer.say({"type": 7})


async def test_a_client_that_closes_is_let_go() -> None:
    """HubProtocol, "Close"; contract, "Chat": a normal close is 1000."""
    with served_chat(hub_alone(HubForTests)) as running:
        async with running.shaken() as wire:
            await wire.send({"type": 7}, call("1", "Nothing"))
            assert await wire.rest() == []
            assert await wire.closed() == 1000
        await nothing_left(running)


@pytest.mark.parametrize("code", [1000, 1001, 3000])
async def test_a_client_that_closes_the_socket_is_let_go(code: int) -> None:
    """RFC 6455, section 5.5.1: its code comes back."""
    with served_chat(hub_alone(HubForTests)) as running:
        async with running.shaken() as wire:
            await wire.socket.close(code)
            assert await wire.closed() == code
        await nothing_left(running)


@in_virtual_time
async def test_idle_connection_ends_before_the_platform_cuts_it() -> None:
    """The client may come back."""
    peer = Peer()
    async with serving(peer):
        await shaken(peer)
        await send_pings(peer, PLATFORM_LIMIT_S)
    assert 3400 < peer.heard[-1][0] < 3400 + 15
    assert peer.records[-1] == GOODBYE
    assert peer.records[:-1] == [PING] * (len(peer.records) - 1)
    assert peer.code == 1000


@in_virtual_time
async def test_calls_in_flight_end_before_their_connection() -> None:
    peer = Peer()
    async with serving(peer) as (_, hub):
        await shaken(peer)
        await send_pings(peer, 3380)
        peer.say(call("1", "Wait"), call("2", "Wait"), call("3", "Note", "x"))
        await send_pings(peer, 3500)
        assert (hub.noted, peer.code) == (["waits", "waits"], None)
        hub.gate.set()
    *ends, last = [record for record in peer.records if record != PING]
    assert sorted(ends, key=str) == [completed("1"), completed("2"), completed("3")]
    assert (last, peer.code) == (GOODBYE, 1000)


@in_virtual_time
async def test_busy_connection_ends_before_the_platform_cuts_it() -> None:
    peer = Peer()
    async with serving(peer):
        await shaken(peer)
        peer.say(call("1", "Wait"))
        await send_pings(peer, PLATFORM_LIMIT_S)
    assert 3400 + 150 < peer.heard[-1][0] < PLATFORM_LIMIT_S
    assert peer.records[-1] == GOODBYE
    assert peer.code == 1000
    assert completed("1") not in peer.records


@pytest.mark.parametrize("longest_s", [7, 13.9, 14, 21])
@in_virtual_time
async def test_close_message_is_sent_when_a_ping_is_due_as_well(longest_s: float) -> None:
    """HubProtocol, "Close": without it the official client would not come back."""
    peer = Peer()
    async with serving(peer, Timing(longest_s=longest_s)):
        await shaken(peer)
    assert peer.records[-1] == GOODBYE
