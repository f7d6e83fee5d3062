"""Many clients that disconnect in every way: the server releases all resources."""

import asyncio
import gc
import random
from dataclasses import replace
from typing import Any

from websockets.exceptions import ConnectionClosed

from scripts.fakes.conversation import Speech, reply_to
from shared.planner.conversation import Conversation
from tests.functions.chat.chat_service import ChatService
from tests.functions.chat.resource_checks import collect_errors, wait_until_released
from tests.functions.chat.running_chat import HANDSHAKE, RawClient
from tests.loopback import until

AT_ONCE = 60


def invocation(target: str, *arguments: object, invocation_id: str | None = "1") -> dict[str, Any]:
    message: dict[str, Any] = {"type": 1, "target": target, "arguments": [*arguments]}
    return message if invocation_id is None else {**message, "invocationId": invocation_id}


async def talk_a_little(client: RawClient, chance: random.Random) -> None:
    """Send a few random messages, and wait for some of the completions."""
    for number in range(chance.randrange(1, 5)):
        wish = chance.choice(["SECRET-hello", "SECRET-Make me a plan for 1 day", "SECRET-explain"])
        message: dict[str, Any] = chance.choice(
            [
                *3 * [invocation("SendMessage", wish, invocation_id=str(number))],
                invocation("Introduce", "de-DE", invocation_id=str(number)),
                invocation("StopInProgress", invocation_id=None),
                invocation("RestartChat", invocation_id=None),
                invocation("Nonsense", invocation_id=str(number)),
                {"type": 5, "invocationId": str(number - 1)},
                {"type": 6},
            ]
        )
        await client.send(message)
        if chance.random() < 0.5 and message.get("invocationId") and message["type"] == 1:
            await client.receive_until_completed(str(number))


async def vanish(client: RawClient, chance: random.Random) -> None:
    """End the connection in a random way."""
    match chance.randrange(6):
        case 0:
            await client.socket.close()
        case 1:
            await client.send({"type": 7})
            await client.wait_closed()
        case 2:
            await client.send_frame("no JSON\x1e")
            await client.wait_closed()
        case 3:
            await client.send_frame('{"type":1,"target":"SendMe')  # incomplete
            client.socket.transport.abort()
        case _:
            client.socket.transport.abort()


async def come_and_go(service: ChatService, number: int) -> None:
    chance = random.Random(number)
    async with service.server.connect("/ai-chat", token=service.token) as client:
        try:
            match chance.randrange(10):
                case 0:
                    pass  # no handshake
                case 1:
                    await client.send_frame('{"protocol":"messagepack","version":1}\x1e')
                case _:
                    await client.send_frame(HANDSHAKE)
                    assert await client.receive() == {}
                    await talk_a_little(client, chance)
            await vanish(client, chance)
        except ConnectionClosed:
            pass  # the server closed first


def short_reply(asked: dict[str, Any]) -> Speech:
    """Return a reply of few chunks: each chunk costs processor time for each client."""
    speech = reply_to(asked)
    return replace(speech, text=speech.text[:60])


def chats() -> int:
    gc.collect()
    return sum(isinstance(each, Conversation) for each in gc.get_objects())


async def test_disconnected_clients_release_all_resources(
    service: ChatService, is_long: bool
) -> None:
    clients = 500 if is_long else 120
    service.openai.tokens_per_s, service.openai.compose = 100, short_reply
    await wait_until_released(service.server)
    before = chats()
    places = asyncio.Semaphore(AT_ONCE)

    async def one(number: int) -> None:
        async with places:
            await come_and_go(service, number)

    with collect_errors() as errors:
        await asyncio.gather(*(one(number) for number in range(clients)))
        await wait_until_released(service.server)
    assert len(service.openai.requests) > clients / 4  # otherwise the test proves nothing
    await until(lambda: service.openai.talking == 0)
    assert chats() == before
    assert errors == []
