"""A user of the chat in raw frames."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from typing import Any

from tests.functions.chat.own_chat import Talk
from tests.functions.chat.service import Wire

PLAN_VERSION = 3
OLD, NEW = "/ai-chat", "/ai-chat-v2"


class Talker:
    """One user, who keeps what the hub says; pings are nothing that it says."""

    def __init__(self, wire: Wire, *, is_new: bool) -> None:
        self._wire = wire
        self._is_new = is_new
        self._numbers = count()
        self.received: list[dict[str, Any]] = []
        self.completed: dict[str, dict[str, Any]] = {}

    @property
    def texts(self) -> list[str]:
        """The texts that were received."""
        return [each["message"] for each in self.received if each["type"] == "messageResponse"]

    @property
    def plans(self) -> list[dict[str, Any]]:
        """The messages with plans that were received."""
        return [each for each in self.received if each["type"] == "chatPlan"]

    def enlarge_buffers(self) -> None:
        """Read fast from now on, as `Wire.enlarge_buffers`."""
        self._wire.enlarge_buffers()

    async def begin(self, target: str, *arguments: object) -> str:
        """Call a method; return the call's id."""
        call_id = str(next(self._numbers))
        call = {"type": 1, "invocationId": call_id, "target": target, "arguments": arguments}
        await self._wire.send(call)
        return call_id

    async def tell(self, target: str) -> None:
        """Call a method and want no answer, as apps stop and restart."""
        await self._wire.send({"type": 1, "target": target, "arguments": []})

    async def begin_to_say(self, text: str) -> str:
        """Begin to have an answer to `text`."""
        return await self.begin("SendMessage", text, *([PLAN_VERSION] if self._is_new else []))

    async def receive(self) -> None:
        """Take one record."""
        record = await self._wire.record()
        if record["type"] == 1:
            assert record.keys() == {"type", "target", "arguments"}
            assert record["target"] == "ReceiveMessage"
            [message] = record["arguments"]
            self.received.append(message)
        elif record["type"] == 3:
            self.completed[record.pop("invocationId")] = record
        else:
            assert record == {"type": 6}

    async def ended(self, call_id: str) -> None:
        """Wait until a call has ended; it fails if the call did."""
        while call_id not in self.completed:
            await self.receive()
        assert self.completed[call_id] == {"type": 3}

    async def call(self, target: str, *arguments: object) -> None:
        """Call a method to its end."""
        await self.ended(await self.begin(target, *arguments))

    async def introduce(self, locale: str = "en-AU", unit: str = "kilograms") -> None:
        """Let the coach introduce itself to its end."""
        await self.call("Introduce", locale, *([PLAN_VERSION, unit] if self._is_new else []))

    async def say(self, text: str) -> str:
        """Have a text answered to its end; return the words of the answer."""
        self.received.clear()
        await self.ended(await self.begin_to_say(text))
        return self.texts[-1] if self.texts else ""


@asynccontextmanager
async def connected(talk: Talk, path: str, *, is_slow: bool = False) -> AsyncIterator[Talker]:
    """Connect a user to one of the hubs; the buffers of a slow one are as small as possible."""
    connect = talk.running.shaken_by_a_slow_client if is_slow else talk.running.shaken
    async with connect(path, token=talk.token) as wire:
        yield Talker(wire, is_new=path.endswith(NEW))


def instructions(talk: Talk) -> str:
    """Return what the model was told of us with the newest request."""
    first = talk.openai.requests[-1]["messages"][0]
    assert first["role"] == "system"
    return str(first["content"])


def reminders(talk: Talk) -> list[tuple[str, str]]:
    """Return what the model was reminded of with the newest request: who said what."""
    _instructions, *said = talk.openai.requests[-1]["messages"]
    return [(each["role"], each["content"]) for each in said]
