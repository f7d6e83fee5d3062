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

MAX_CONNECTED_CLIENTS = 60


def invocation(target: str, *arguments: object, invocation_id: str | None = "1") -> dict[str, Any]:
    message: dict[str, Any] = {"type": 1, "target": target, "arguments": [*arguments]}
    return message if invocation_id is None else {**message, "invocationId": invocation_id}


async def send_random_messages(client: RawClient, rng: random.Random) -> None:
    """Send a few random messages, and wait for some of the completions."""
    for number in range(rng.randrange(1, 5)):
        text = rng.choice(["SECRET-hello", "SECRET-Make me a plan for 1 day", "SECRET-explain"])
        message: dict[str, Any] = rng.choice(
            [
                *3 * [invocation("SendMessage", text, invocation_id=str(number))],
                invocation("Introduce", "de-DE", invocation_id=str(number)),
                invocation("StopInProgress", invocation_id=None),
                invocation("RestartChat", invocation_id=None),
                invocation("Nonsense", invocation_id=str(number)),
                {"type": 5, "invocationId": str(number - 1)},
                {"type": 6},
            ]
        )
        await client.send(message)
        if rng.random() < 0.5 and message.get("invocationId") and message["type"] == 1:
            await client.receive_until_completed(str(number))


async def disconnect(client: RawClient, rng: random.Random) -> None:
    """End the connection in a random way."""
    match rng.randrange(6):
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


async def connect_and_disconnect(service: ChatService, number: int) -> None:
    rng = random.Random(number)
    async with service.server.connect("/ai-chat", token=service.token) as client:
        try:
            match rng.randrange(10):
                case 0:
                    pass  # no handshake
                case 1:
                    await client.send_frame('{"protocol":"messagepack","version":1}\x1e')
                case _:
                    await client.send_frame(HANDSHAKE)
                    assert await client.receive() == {}
                    await send_random_messages(client, rng)
            await disconnect(client, rng)
        except ConnectionClosed:
            pass  # the server closed first


def short_reply(request: dict[str, Any]) -> Speech:
    """Return a reply of few chunks: each chunk costs processor time for each client."""
    speech = reply_to(request)
    return replace(speech, text=speech.text[:60])


def conversation_count() -> int:
    gc.collect()
    return sum(isinstance(each, Conversation) for each in gc.get_objects())


async def test_disconnected_clients_release_all_resources(
    service: ChatService, is_long: bool
) -> None:
    clients = 500 if is_long else 120
    service.openai.tokens_per_s, service.openai.compose = 100, short_reply
    await wait_until_released(service.server)
    before = conversation_count()
    limit = asyncio.Semaphore(MAX_CONNECTED_CLIENTS)

    async def one(number: int) -> None:
        async with limit:
            await connect_and_disconnect(service, number)

    with collect_errors() as errors:
        await asyncio.gather(*(one(number) for number in range(clients)))
        await wait_until_released(service.server)
    assert len(service.openai.requests) > clients / 4  # otherwise the test proves nothing
    await until(lambda: service.openai.open_streams == 0)
    assert conversation_count() == before
    assert errors == []
