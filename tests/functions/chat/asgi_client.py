"""A client that is connected by ASGI, without a server; runs in virtual time."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping, MutableMapping
from contextlib import asynccontextmanager
from typing import Any

from starlette.websockets import WebSocket

from functions.chat.connection import Connection, Timing
from functions.chat.hub import Client, Method
from tests.functions.chat.running_chat import END, HANDSHAKE
from tests.loopback import until


class AsgiClient:
    """A client, and the server of its WebSocket."""

    def __init__(self) -> None:
        self._sent: asyncio.Queue[MutableMapping[str, Any]] = asyncio.Queue()
        self._sent.put_nowait({"type": "websocket.connect"})
        self.received: list[tuple[float, Any]] = []
        """The received records, each with its time."""

        self.close_code: int | None = None
        """The code with which the connection was closed."""

        self.can_read = asyncio.Event()
        self.can_read.set()

    @property
    def all_received(self) -> bool:
        """Whether the connection has received all messages of this client."""
        return self._sent.empty()

    @property
    def records(self) -> list[Any]:
        """The received records."""
        return [record for _, record in self.received]

    def send_messages(self, *messages: Mapping[str, Any]) -> None:
        """Send messages, all in one frame."""
        self.send_frame("".join(json.dumps(each) + END for each in messages))

    def send_frame(self, text: str) -> None:
        """Send a frame."""
        self._sent.put_nowait({"type": "websocket.receive", "text": text})

    async def receive(self) -> MutableMapping[str, Any]:
        """Return the next message of this client (ASGI's receive)."""
        return await self._sent.get()

    async def send(self, message: MutableMapping[str, Any]) -> None:
        """Take a message of the connection, once the client can read (ASGI's send)."""
        await self.can_read.wait()
        now = asyncio.get_running_loop().time()
        records = message.get("text", "").split(END)[:-1]
        self.received += [(now, json.loads(record)) for record in records]
        if message["type"] == "websocket.close":
            self.close_code = message["code"]
            self._sent.put_nowait({"type": "websocket.disconnect", "code": self.close_code})


class RecordingHub:
    """Records what its methods do."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self.notes: list[str] = []
        self.gate = asyncio.Event()

    @property
    def methods(self) -> Mapping[str, Method]:
        """The methods of the hub."""
        return {
            "Note": Method(self.note, {"text": str}),
            "Wait": Method(self.wait, {}),
            "Tick": Method(self.tick, {"times": int, "pause_s": int}),
        }

    async def note(self, text: str) -> None:
        """Record a text."""
        self.notes.append(text)

    async def wait(self) -> None:
        """Return when the gate is open."""
        self.notes.append("waits")
        await self.gate.wait()
        self.notes.append("has waited")

    async def tick(self, times: int, pause_s: int) -> None:
        """Invoke a method of the client at intervals."""
        for number in range(times):
            self._client.invoke("Ticked", number, object())
            await asyncio.sleep(pause_s)


@asynccontextmanager
async def serve_connection(
    client: AsgiClient,
    timing: Timing | None = None,
    open_hub: Callable[[Client], RecordingHub] = RecordingHub,
) -> AsyncIterator[tuple[Connection, RecordingHub]]:
    """Serve the client until either side has closed the connection."""
    hubs: list[RecordingHub] = []

    def open_and_keep(client: Client) -> RecordingHub:
        hubs.append(open_hub(client))
        return hubs[0]

    socket = WebSocket({"type": "websocket"}, client.receive, client.send)
    await socket.accept()
    connection = Connection(socket, open_and_keep, timing or Timing())
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(connection.serve())
        yield connection, hubs[0]
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def complete_handshake(client: AsgiClient) -> None:
    """Send the handshake, and wait for the response."""
    client.send_frame(HANDSHAKE)
    await until(lambda: bool(client.received))
    assert client.records == [{}]
    client.received.clear()
