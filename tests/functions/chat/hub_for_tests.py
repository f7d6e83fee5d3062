"""A hub whose methods do what tests of the protocol need, and how to call them."""

import asyncio
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import uuid4

from functions.chat.hub import Client, Method
from shared.purchases.authenticator import Purchase, Subscriber
from tests.functions.chat.service import Wire
from tests.loopback import until

PING = {"type": 6}

_opened: set[str] = set()


def new_gate() -> str:
    """Return the name of a gate at which methods can wait; it is closed."""
    return str(uuid4())


def open_gate(gate: str) -> None:
    """Let pass who waits there."""
    _opened.add(gate)


async def opened(gate: str) -> None:
    """Return once a gate is open."""
    await until(lambda: gate in _opened)


class HubForTests:
    """A hub at which anyone may connect."""

    def __init__(self, client: Client, _subscriber: Subscriber) -> None:
        self._client = client

    @property
    def methods(self) -> Mapping[str, Method]:
        """What a client may call."""
        return {
            "Nothing": Method(self.nothing, {}),
            "Repeat": Method(self.repeat, {"text": str, "number": int}),
            "Wait": Method(self.wait, {"gate": str}),
            "Grow": Method(self.grow, {"letters": int, "times": int, "gate": str}),
            "Fail": Method(self.fail, {"words": str}),
        }

    async def nothing(self) -> None:
        """Return at once."""

    async def repeat(self, text: str, number: int) -> None:
        """Call the client with what it says."""
        self._client.call("Repeated", [text, number], object())

    async def wait(self, gate: str) -> None:
        """Tell the client that it begins, and return when the gate is open."""
        self._client.call("Waiting", gate, object())
        # For ever, if need be, so that a call that is left behind is noticed.
        while gate not in _opened:  # noqa: ASYNC110 - another thread opens it
            await asyncio.sleep(0.01)

    async def grow(self, letters: int, times: int, gate: str) -> None:
        """Call the client so many times, each time with a longer text; at the end open the gate."""
        try:
            for length in range(1, times + 1):
                self._client.call("Grown", "x" * letters * length, self)
                await asyncio.sleep(0)
        finally:
            open_gate(gate)  # also when the connection ends before

    async def fail(self, words: str) -> None:
        """Run into a bug."""
        raise RuntimeError(words)


class SlowStore:
    """A store of purchases that opens a gate when it is asked, and waits at another to answer."""

    def __init__(self, *, answer: bool = True) -> None:
        self._answer = answer
        self.asked = new_gate()
        self.told = new_gate()
        self.times = 0

    async def find_purchase(self, token: str, _now: datetime) -> Purchase | None:
        """Return its purchase once the second gate is open."""
        self.times += 1
        open_gate(self.asked)
        await opened(self.told)
        return Purchase.of(token) if self._answer else None


def call(invocation_id: str | None, target: str, *arguments: Any, **fields: Any) -> dict[str, Any]:
    """Return a message that calls a method; without an id, no answer is wanted."""
    has_id = {} if invocation_id is None else {"invocationId": invocation_id}
    return {"type": 1, **has_id, "target": target, "arguments": list(arguments), **fields}


def called(target: str, argument: Any) -> dict[str, Any]:
    """Return the message with which the hub calls its client."""
    return {"type": 1, "target": target, "arguments": [argument]}


def completed(invocation_id: str) -> dict[str, Any]:
    """Return the message that ends a call that went well."""
    return {"type": 3, "invocationId": invocation_id}


def cancel(invocation_id: str) -> dict[str, Any]:
    """Return the message that cancels a call."""
    return {"type": 5, "invocationId": invocation_id}


async def failed(wire: Wire, invocation_id: str) -> str:
    """Return the error in the next record, which completes a call."""
    record = await wire.record()
    error = record.pop("error")
    assert record == completed(invocation_id)
    assert isinstance(error, str)
    return error


async def alive(wire: Wire) -> bool:
    """Whether a call passes; whatever comes before its completion is unexpected."""
    invocation_id = str(uuid4())
    await wire.send(call(invocation_id, "Nothing"))
    return bool(await wire.record() == completed(invocation_id))
