"""Clients that come, talk and vanish in every way leave nothing behind."""

import asyncio
import gc
import random
from dataclasses import replace
from typing import Any

from websockets.exceptions import ConnectionClosed

from scripts.fakes.conversation import Speech, reply_to
from shared.planner.conversation import Conversation
from tests.functions.chat.aftermath import errors_logged, nothing_left
from tests.functions.chat.own_chat import Talk
from tests.functions.chat.service import HANDSHAKE, Wire
from tests.loopback import until

AT_ONCE = 60


def call(target: str, *arguments: object, invocation_id: str | None = "1") -> dict[str, Any]:
    message: dict[str, Any] = {"type": 1, "target": target, "arguments": [*arguments]}
    return message if invocation_id is None else {**message, "invocationId": invocation_id}


async def talk_a_little(wire: Wire, chance: random.Random) -> None:
    """Do a few things that clients do, patiently or not."""
    for number in range(chance.randrange(1, 5)):
        wish = chance.choice(["SECRET-hello", "SECRET-Make me a plan for 1 day", "SECRET-explain"])
        message: dict[str, Any] = chance.choice(
            [
                *3 * [call("SendMessage", wish, invocation_id=str(number))],
                call("Introduce", "de-DE", invocation_id=str(number)),
                call("StopInProgress", invocation_id=None),
                call("RestartChat", invocation_id=None),
                call("Nonsense", invocation_id=str(number)),
                {"type": 5, "invocationId": str(number - 1)},
                {"type": 6},
            ]
        )
        await wire.send(message)
        if chance.random() < 0.5 and message.get("invocationId") and message["type"] == 1:
            await wire.until_completed(str(number))


async def vanish(wire: Wire, chance: random.Random) -> None:
    """End it somehow."""
    match chance.randrange(6):
        case 0:
            await wire.socket.close()
        case 1:
            await wire.send({"type": 7})
            await wire.closed()
        case 2:
            await wire.frame("no JSON\x1e")
            await wire.closed()
        case 3:
            await wire.frame('{"type":1,"target":"SendMe')  # never finished
            wire.socket.transport.abort()
        case _:
            wire.socket.transport.abort()


async def come_and_go(talk: Talk, number: int) -> None:
    chance = random.Random(number)
    async with talk.running.connected("/ai-chat", token=talk.token) as wire:
        try:
            match chance.randrange(10):
                case 0:
                    pass  # no handshake at all
                case 1:
                    await wire.frame('{"protocol":"messagepack","version":1}\x1e')
                case _:
                    await wire.frame(HANDSHAKE)
                    assert await wire.record() == {}
                    await talk_a_little(wire, chance)
            await vanish(wire, chance)
        except ConnectionClosed:
            pass  # the server was quicker


def short_reply(asked: dict[str, Any]) -> Speech:
    """Return a reply of few pieces: each costs processor time for each client."""
    speech = reply_to(asked)
    return replace(speech, text=speech.text[:60])


def chats() -> int:
    gc.collect()
    return sum(isinstance(each, Conversation) for each in gc.get_objects())


async def test_clients_that_vanish_leave_nothing_behind(talk: Talk, is_long: bool) -> None:
    clients = 500 if is_long else 120
    talk.openai.tokens_per_s, talk.openai.compose = 100, short_reply
    await nothing_left(talk.running)
    before = chats()
    places = asyncio.Semaphore(AT_ONCE)

    async def one(number: int) -> None:
        async with places:
            await come_and_go(talk, number)

    with errors_logged() as errors:
        await asyncio.gather(*(one(number) for number in range(clients)))
        await nothing_left(talk.running)
    assert len(talk.openai.requests) > clients / 4  # or else there was nothing to be left
    await until(lambda: talk.openai.talking == 0)
    assert chats() == before
    assert errors == []
