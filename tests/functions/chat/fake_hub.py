"""A hub for tests of the protocol, and the messages that invoke its methods."""

import asyncio
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import uuid4

from functions.chat.hub import Client, Method
from shared.purchases.authenticator import Purchase
from shared.web.callers import Caller
from tests.functions.chat.running_chat import RawClient
from tests.loopback import until

PING = {"type": 6}

_opened: set[str] = set()


def new_gate() -> str:
    """Return the name of a new gate, at which methods can wait. It is closed."""
    return str(uuid4())


def open_gate(gate: str) -> None:
    """Open a gate: the waiting methods return."""
    _opened.add(gate)


async def wait_for_gate(gate: str) -> None:
    """Return once a gate is open."""
    await until(lambda: gate in _opened)


class FakeHub:
    """A hub for every caller."""

    def __init__(self, client: Client, _caller: Caller) -> None:
        self._client = client

    @property
    def methods(self) -> Mapping[str, Method]:
        """The methods that a client may invoke."""
        return {
            "Nothing": Method(self.nothing, {}),
            "Repeat": Method(self.repeat, {"text": str, "number": int}),
            "Wait": Method(self.wait, {"gate": str}),
            "Grow": Method(self.grow, {"letters": int, "times": int, "gate": str}),
            "Fail": Method(self.fail, {"message": str}),
        }

    async def nothing(self) -> None:
        """Return at once."""

    async def repeat(self, text: str, number: int) -> None:
        """Invoke a method of the client with the same arguments."""
        self._client.invoke("Repeated", [text, number], object())

    async def wait(self, gate: str) -> None:
        """Invoke a method of the client, and return when the gate is open."""
        self._client.invoke("Waiting", gate, object())
        # Without a timeout: a test must notice an invocation that nothing ends.
        while gate not in _opened:  # noqa: ASYNC110 - another thread opens it
            await asyncio.sleep(0.01)

    async def grow(self, letters: int, times: int, gate: str) -> None:
        """Invoke a method of the client `times` with a growing text, then open the gate."""
        try:
            for length in range(1, times + 1):
                self._client.invoke("Grown", "x" * letters * length, self)
                await asyncio.sleep(0)
        finally:
            open_gate(gate)  # also when the connection ends early

    async def fail(self, message: str) -> None:
        """Raise an unexpected error."""
        raise RuntimeError(message)


class BlockingProvider:
    """A purchase provider that opens one gate when called, and waits at another to respond."""

    def __init__(self, *, is_entitled: bool = True) -> None:
        self._is_entitled = is_entitled
        self.called = new_gate()
        self.released = new_gate()
        self.call_count = 0

    async def find_purchase(self, token: str, _now: datetime) -> Purchase | None:
        """Return the purchase once the second gate is open."""
        self.call_count += 1
        open_gate(self.called)
        await wait_for_gate(self.released)
        return Purchase.of(token) if self._is_entitled else None


def invocation(
    invocation_id: str | None, target: str, *arguments: Any, **fields: Any
) -> dict[str, Any]:
    """Return a message that invokes a method; without an id, it has no completion."""
    id_field = {} if invocation_id is None else {"invocationId": invocation_id}
    return {"type": 1, **id_field, "target": target, "arguments": list(arguments), **fields}


def hub_invocation(target: str, argument: Any) -> dict[str, Any]:
    """Return the message in which the hub invokes a method of the client."""
    return {"type": 1, "target": target, "arguments": [argument]}


def completion(invocation_id: str) -> dict[str, Any]:
    """Return the completion of a successful invocation."""
    return {"type": 3, "invocationId": invocation_id}


def cancellation(invocation_id: str) -> dict[str, Any]:
    """Return the message that cancels an invocation."""
    return {"type": 5, "invocationId": invocation_id}


async def receive_error(client: RawClient, invocation_id: str) -> str:
    """Return the error of the next record, which completes an invocation."""
    record = await client.receive()
    error = record.pop("error")
    assert record == completion(invocation_id)
    assert isinstance(error, str)
    return error


async def is_alive(client: RawClient) -> bool:
    """Return whether the completion of a new invocation is the next record."""
    invocation_id = str(uuid4())
    await client.send(invocation(invocation_id, "Nothing"))
    return bool(await client.receive() == completion(invocation_id))
