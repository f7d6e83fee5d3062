"""A connection whose two ends, server and hub, are objects of the test; runs in virtual time."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping, MutableMapping
from contextlib import asynccontextmanager
from typing import Any

from starlette.websockets import WebSocket

from functions.chat.connection import Connection, Timing
from functions.chat.hub import Client, Method
from tests.functions.chat.service import END, HANDSHAKE
from tests.loopback import until


class Peer:
    """A client, and the server in between, as ASGI has it."""

    def __init__(self) -> None:
        self._said: asyncio.Queue[MutableMapping[str, Any]] = asyncio.Queue()
        self._said.put_nowait({"type": "websocket.connect"})
        self.heard: list[tuple[float, Any]] = []
        """The records received, each with its time."""

        self.code: int | None = None
        """The code with which the connection was closed."""

        self.reads = asyncio.Event()
        self.reads.set()

    @property
    def is_heard(self) -> bool:
        """Whether all its messages were received."""
        return self._said.empty()

    @property
    def records(self) -> list[Any]:
        """The records received."""
        return [record for _, record in self.heard]

    def say(self, *messages: Mapping[str, Any]) -> None:
        """Send messages, all in one frame."""
        self.frame("".join(json.dumps(each) + END for each in messages))

    def frame(self, text: str) -> None:
        """Send a frame."""
        self._said.put_nowait({"type": "websocket.receive", "text": text})

    async def receive(self) -> MutableMapping[str, Any]:
        """Return the next message."""
        return await self._said.get()

    async def send(self, message: MutableMapping[str, Any]) -> None:
        """Take what is sent, once it reads."""
        await self.reads.wait()
        now = asyncio.get_running_loop().time()
        records = message.get("text", "").split(END)[:-1]
        self.heard += [(now, json.loads(record)) for record in records]
        if message["type"] == "websocket.close":
            self.code = message["code"]
            self._said.put_nowait({"type": "websocket.disconnect", "code": self.code})


class NotingHub:
    """Notes what is called."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self.noted: list[str] = []
        self.gate = asyncio.Event()

    @property
    def methods(self) -> Mapping[str, Method]:
        """The methods of the hub."""
        return {
            "Note": Method(self.note, {"what": str}),
            "Wait": Method(self.wait, {}),
            "Drip": Method(self.drip, {"times": int, "pause_s": int}),
        }

    async def note(self, what: str) -> None:
        """Keep it in mind."""
        self.noted.append(what)

    async def wait(self) -> None:
        """Return when the gate is open."""
        self.noted.append("waits")
        await self.gate.wait()
        self.noted.append("has waited")

    async def drip(self, times: int, pause_s: int) -> None:
        """Call the client from time to time."""
        for drop in range(times):
            self._client.call("Dripped", drop, object())
            await asyncio.sleep(pause_s)


@asynccontextmanager
async def serving(
    peer: Peer, timing: Timing | None = None, open_hub: Callable[[Client], NotingHub] = NotingHub
) -> AsyncIterator[tuple[Connection, NotingHub]]:
    """Serve the client until either side has ended it."""
    hubs: list[NotingHub] = []

    def opened(client: Client) -> NotingHub:
        hubs.append(open_hub(client))
        return hubs[0]

    socket = WebSocket({"type": "websocket"}, peer.receive, peer.send)
    await socket.accept()
    connection = Connection(socket, opened, timing or Timing())
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(connection.serve())
        yield connection, hubs[0]
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def shaken(peer: Peer) -> None:
    """Do the handshake, and wait until it is answered."""
    peer.frame(HANDSHAKE)
    await until(lambda: bool(peer.heard))
    assert peer.records == [{}]
    peer.heard.clear()
