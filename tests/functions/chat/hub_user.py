"""A user of a hub, whose client sends raw frames."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from typing import Any

from tests.functions.chat.chat_service import ChatService
from tests.functions.chat.running_chat import RawClient

PLAN_VERSION = 3
HUB_V1, HUB_V2 = "/ai-chat", "/ai-chat-v2"


class HubUser:
    """One user. Keeps all messages of the hub, without pings."""

    def __init__(self, client: RawClient, *, is_new: bool) -> None:
        self._client = client
        self._is_new = is_new
        self._numbers = count()
        self.received: list[dict[str, Any]] = []
        self.completed: dict[str, dict[str, Any]] = {}

    @property
    def texts(self) -> list[str]:
        """The received texts."""
        return [each["message"] for each in self.received if each["type"] == "messageResponse"]

    @property
    def plans(self) -> list[dict[str, Any]]:
        """The received messages with plans."""
        return [each for each in self.received if each["type"] == "chatPlan"]

    def enlarge_buffers(self) -> None:
        """Read fast from now on, as `RawClient.enlarge_buffers`."""
        self._client.enlarge_buffers()

    async def begin(self, target: str, *arguments: object) -> str:
        """Invoke a method; return the id of the invocation."""
        invocation_id = str(next(self._numbers))
        message = {"type": 1, "invocationId": invocation_id, "target": target}
        await self._client.send({**message, "arguments": arguments})
        return invocation_id

    async def send(self, target: str) -> None:
        """Invoke a method without a completion, as apps stop and restart."""
        await self._client.send({"type": 1, "target": target, "arguments": []})

    async def begin_message(self, text: str) -> str:
        """Invoke `SendMessage`; return the id of the invocation."""
        return await self.begin("SendMessage", text, *([PLAN_VERSION] if self._is_new else []))

    async def receive(self) -> None:
        """Receive one record."""
        record = await self._client.receive()
        if record["type"] == 1:
            assert record.keys() == {"type", "target", "arguments"}
            assert record["target"] == "ReceiveMessage"
            [message] = record["arguments"]
            self.received.append(message)
        elif record["type"] == 3:
            self.completed[record.pop("invocationId")] = record
        else:
            assert record == {"type": 6}

    async def wait_for_completion(self, invocation_id: str) -> None:
        """Receive until the completion of an invocation. Fails if the completion has an error."""
        while invocation_id not in self.completed:
            await self.receive()
        assert self.completed[invocation_id] == {"type": 3}

    async def invoke(self, target: str, *arguments: object) -> None:
        """Invoke a method and wait for its completion."""
        await self.wait_for_completion(await self.begin(target, *arguments))

    async def introduce(self, locale: str = "en-AU", unit: str = "kilograms") -> None:
        """Invoke `Introduce` and wait for its completion."""
        await self.invoke("Introduce", locale, *([PLAN_VERSION, unit] if self._is_new else []))

    async def send_message(self, text: str) -> str:
        """Invoke `SendMessage`, wait for its completion, and return the text of the reply."""
        self.received.clear()
        await self.wait_for_completion(await self.begin_message(text))
        return self.texts[-1] if self.texts else ""


@asynccontextmanager
async def connect_user(
    service: ChatService, path: str, *, is_slow: bool = False
) -> AsyncIterator[HubUser]:
    """Connect a user to one of the hubs; a slow one with the smallest buffers."""
    server = service.server
    connect = server.connect_slowly if is_slow else server.connect_to_hub
    async with connect(path, token=service.token) as client:
        yield HubUser(client, is_new=path.endswith(HUB_V2))


def system_prompt(service: ChatService) -> str:
    """Return the system prompt of the newest request to the model."""
    first = service.openai.requests[-1]["messages"][0]
    assert first["role"] == "system"
    return str(first["content"])


def prompt_messages(service: ChatService) -> list[tuple[str, str]]:
    """Return role and text of the other messages of the newest request to the model."""
    _system_prompt, *messages = service.openai.requests[-1]["messages"]
    return [(each["role"], each["content"]) for each in messages]
