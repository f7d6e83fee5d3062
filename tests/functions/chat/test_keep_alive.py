"""Signs of life, and the end of connections."""

import asyncio
import json
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress

import pytest
from websockets.exceptions import ConnectionClosed

from functions.chat.connection import Timing
from shared.settings import ChatSettings, ModelSettings
from tests.functions.chat.aftermath import nothing_left
from tests.functions.chat.hub_for_tests import (
    PING,
    HubForTests,
    alive,
    call,
    called,
    completed,
    new_gate,
    open_gate,
)
from tests.functions.chat.service import hub_alone, served_chat

GOODBYE = {"type": 7, "allowReconnect": True}
ATTEMPTS = 5


async def once_in_a_while(attempt: Callable[[], Awaitable[bool]]) -> bool:
    """Whether something goes well at least once that a slow machine may spoil."""
    for _ in range(ATTEMPTS):
        with suppress(ConnectionClosed):
            if await attempt():
                return True
    return False


async def test_an_idle_client_gets_pings() -> None:
    """HubProtocol, "Ping"; contract, "Chat"."""
    with served_chat(hub_alone(HubForTests, Timing(ping_s=0.02))) as running:
        async with running.shaken() as wire:
            for _ in range(10):
                assert await wire.record() == PING
            await wire.send(call("1", "Nothing"))
            while (said := await wire.record()) == PING:
                pass
            assert said == completed("1")
            assert await wire.record() == PING


def test_pings_come_often_enough_and_patience_is_as_promised() -> None:
    """The contract, "Chat": every 15 s; 120 s of silence, 60 s for a handshake."""
    timing = Timing()
    assert 2 * timing.ping_s < 15  # it looks as often whether one is due
    assert (timing.silence_s, timing.handshake_s) == (120, 60)
    assert timing.longest_s + timing.overtime_s + timing.ping_s + timing.farewell_s < 3600
    assert timing.overtime_s > ModelSettings().deadline_s
    assert timing.longest_s == ChatSettings().longest_s


async def test_who_hears_other_things_gets_no_pings() -> None:
    """HubProtocol, "Ping": only sent if the interval has elapsed without a message being sent."""
    with served_chat(hub_alone(HubForTests, Timing(ping_s=0.3))) as running:

        async def is_spared() -> bool:
            async with running.shaken() as wire:
                await wire.send(call("1", "Drip", 40, 20))
                return PING not in await wire.until_completed("1")

        assert await once_in_a_while(is_spared)


async def test_a_silent_client_is_given_up() -> None:
    """The contract, "Chat": after 120 s; here after 0.2 s. It may come back."""
    with served_chat(hub_alone(HubForTests, Timing(silence_s=0.2, ping_s=0.05))) as running:
        async with running.shaken() as wire:
            *pings, last = await wire.rest()
            assert await wire.closed() == 1000
        await nothing_left(running)
    assert pings == [PING] * len(pings)
    assert last.pop("error")
    assert last == GOODBYE


async def test_a_silent_client_is_given_up_also_while_it_is_talked_to() -> None:
    """The contract, "Chat": what we say is no sign of its life."""
    with served_chat(hub_alone(HubForTests, Timing(silence_s=0.2))) as running:

        async def hears_and_is_given_up() -> bool:
            async with running.shaken() as wire:
                await wire.send(call("1", "Drip", 10**6, 20))
                *said, last = await wire.rest()
                assert await wire.closed() == 1000
                assert last["allowReconnect"]
                return said[:2] == [called("Dripped", 0), called("Dripped", 1)]

        assert await once_in_a_while(hears_and_is_given_up)
        await nothing_left(running)


@pytest.mark.parametrize("sign", ['{"type":6}\x1e', " "], ids=["ping", "part of a message"])
async def test_signs_of_life_keep_a_connection(sign: str) -> None:
    """HubProtocol, "Ping"."""
    with served_chat(hub_alone(HubForTests, Timing(silence_s=0.4, ping_s=0.03))) as running:

        async def survives() -> bool:
            async with running.shaken() as wire:
                for _ in range(14):
                    if await wire.record() != PING:
                        return False
                    await wire.frame(sign)
                return True

        assert await once_in_a_while(survives)


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


async def test_a_connection_ends_before_the_platform_cuts_it() -> None:
    """The contract's platform: an hour; the client may come back."""
    with served_chat(hub_alone(HubForTests, Timing(longest_s=0.2, ping_s=0.05))) as running:
        async with running.shaken() as wire:
            said = await wire.rest()
            assert await wire.closed() == 1000
        await nothing_left(running)
    assert said[-1] == GOODBYE
    assert said[:-1] == [PING] * (len(said) - 1)


async def test_calls_in_flight_end_before_their_connection() -> None:
    with served_chat(hub_alone(HubForTests, Timing(longest_s=0.2, ping_s=0.03))) as running:

        async def may_end_its_calls() -> bool:
            gate = new_gate()
            calls = [call("1", "Wait", gate), call("2", "Wait", gate), call("3", "Nothing")]
            async with running.shaken() as wire:
                await wire.send(*calls)
                if await wire.record() != called("Waiting", gate):
                    return False
                assert await wire.record() == called("Waiting", gate)
                for _ in range(8):
                    assert await wire.record() == PING
                open_gate(gate)
                *said, last = await wire.rest()
                assert await wire.closed() == 1000
            assert last == GOODBYE
            ends = [each["invocationId"] for each in said if each != PING]
            return sorted(ends) == ["1", "2", "3"]

        assert await once_in_a_while(may_end_its_calls)


async def test_a_connection_that_is_never_idle_ends_all_the_same() -> None:
    timing = Timing(longest_s=0.1, overtime_s=0.1, ping_s=0.05)
    with served_chat(hub_alone(HubForTests, timing)) as running:
        async with running.shaken() as wire:
            await wire.send(call("1", "Wait", new_gate()))
            said = await wire.rest()
            assert await wire.closed() == 1000
        await nothing_left(running)
    assert said[-1] == GOODBYE
    assert completed("1") not in said


async def test_no_connection_ends_without_a_word_when_a_ping_is_due() -> None:
    """HubProtocol, "Close": without it the official client would not come back."""
    with served_chat(hub_alone(HubForTests, Timing(longest_s=0.2, ping_s=0.2))) as running:

        async def last_words() -> str:
            async with running.shaken() as wire:
                return json.dumps((await wire.rest())[-1:])

        said = await asyncio.gather(*(last_words() for _ in range(30)))
    assert Counter(said) == {json.dumps([GOODBYE]): 30}


async def test_a_connection_goes_on_while_another_ends() -> None:
    with served_chat(hub_alone(HubForTests)) as running:
        async with running.shaken() as wire:
            async with running.shaken() as other:
                await other.send({"type": 7})
                assert await other.closed() == 1000
            assert await alive(wire)
