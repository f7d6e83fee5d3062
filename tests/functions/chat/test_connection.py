"""A connection at moments that only a test of both its ends can choose."""

import asyncio

from functions.chat.connection import Timing
from tests.functions.chat.hub_for_tests import call
from tests.functions.chat.peer import Peer, serving
from tests.functions.chat.service import HANDSHAKE
from tests.loopback import until
from tests.virtual_time import VirtualTimeLoop, in_virtual_time


@in_virtual_time
async def test_what_comes_after_the_farewell_is_not_begun() -> None:
    peer = Peer()
    async with serving(peer) as (connection, hub):
        peer.frame(HANDSHAKE)
        await until(lambda: bool(peer.heard))
        peer.reads.clear()
        connection.hang_up()
        peer.say(call("1", "Note", "late"))
        await until(lambda: peer.is_heard)
        peer.reads.set()
    assert hub.noted == []
    assert peer.records[-1] == {"type": 7, "allowReconnect": True}


@in_virtual_time
async def test_what_waits_for_its_turn_is_not_begun_after_the_farewell() -> None:
    peer = Peer()
    async with serving(peer) as (connection, hub):
        peer.frame(HANDSHAKE)
        peer.say(call("1", "Wait"), call("2", "Wait"), call("3", "Note", "late"))
        await until(lambda: hub.noted == ["waits", "waits"] and peer.is_heard)
        peer.reads.clear()
        connection.hang_up()
        hub.gate.set()
        await until(lambda: hub.noted.count("has waited") == 2)
        peer.reads.set()
    assert "late" not in hub.noted


@in_virtual_time
async def test_it_may_be_told_to_leave_in_the_moment_in_which_its_patience_ends() -> None:
    loop, left = asyncio.get_running_loop(), asyncio.Event()
    assert isinstance(loop, VirtualTimeLoop)

    def leave() -> None:
        connection.leave()
        left.set()

    peer = Peer()
    async with serving(peer, Timing(handshake_s=60)) as (connection, _):
        await asyncio.sleep(0)
        # The loop is late: it finds both due at once, the end of the patience first.
        loop.call_later(59, loop.advance, 2)
        loop.call_later(60.5, leave)
        await left.wait()
    [answer] = peer.records
    assert list(answer) == ["error"]
