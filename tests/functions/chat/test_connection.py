"""A connection whose two ends, server and hub, are the test's own: for what comes just then."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Mapping, MutableMapping
from contextlib import asynccontextmanager
from typing import Any

from starlette.websockets import WebSocket

from functions.chat.connection import Connection, Timing
from functions.chat.hub import Method
from tests.functions.chat.hub_for_tests import call
from tests.functions.chat.service import END, HANDSHAKE
from tests.loopback import until


class Peer:
    """A client, and the server in between, as ASGI has it."""

    def __init__(self) -> None:
        self._said: asyncio.Queue[MutableMapping[str, Any]] = asyncio.Queue()
        self._said.put_nowait({"type": "websocket.connect"})
        self.heard = ""
        self.reads = asyncio.Event()
        self.reads.set()

    @property
    def is_heard(self) -> bool:
        """Whether everything that it has said was taken."""
        return self._said.empty()

    def say(self, *messages: Mapping[str, Any]) -> None:
        """Send messages, all in one frame."""
        self.frame("".join(json.dumps(each) + END for each in messages))

    def frame(self, text: str) -> None:
        """Send a frame."""
        self._said.put_nowait({"type": "websocket.receive", "text": text})

    async def receive(self) -> MutableMapping[str, Any]:
        """Return what was said next."""
        return await self._said.get()

    async def send(self, message: MutableMapping[str, Any]) -> None:
        """Take what is sent, once it reads."""
        await self.reads.wait()
        self.heard += message.get("text", "")
        if message["type"] == "websocket.close":
            self._said.put_nowait({"type": "websocket.disconnect", "code": message["code"]})


class Hub:
    """Notes what is called."""

    def __init__(self) -> None:
        self.noted: list[str] = []
        self.gate = asyncio.Event()

    @property
    def methods(self) -> Mapping[str, Method]:
        """What a client may call."""
        return {"Note": Method(self.note, {"what": str}), "Wait": Method(self.wait, {})}

    async def note(self, what: str) -> None:
        """Keep it in mind."""
        self.noted.append(what)

    async def wait(self) -> None:
        """Return when the gate is open."""
        self.noted.append("waits")
        await self.gate.wait()
        self.noted.append("has waited")


@asynccontextmanager
async def serving(peer: Peer, hub: Hub, timing: Timing) -> AsyncIterator[Connection]:
    """Serve the client until either side has ended it."""
    socket = WebSocket({"type": "websocket"}, peer.receive, peer.send)
    await socket.accept()
    connection = Connection(socket, lambda _client: hub, timing)
    async with asyncio.timeout(20), asyncio.TaskGroup() as tasks:
        tasks.create_task(connection.serve())
        yield connection


async def test_what_comes_after_the_farewell_is_not_begun() -> None:
    peer, hub = Peer(), Hub()
    async with serving(peer, hub, Timing()) as connection:
        peer.frame(HANDSHAKE)
        await until(lambda: peer.heard != "")
        peer.reads.clear()
        connection.hang_up()
        peer.say(call("1", "Note", "late"))
        await until(lambda: peer.is_heard)
        peer.reads.set()
    assert hub.noted == []
    assert peer.heard.endswith('{"type":7,"allowReconnect":true}' + END)


async def test_what_waits_for_its_turn_is_not_begun_after_the_farewell() -> None:
    peer, hub = Peer(), Hub()
    async with serving(peer, hub, Timing()) as connection:
        peer.frame(HANDSHAKE)
        peer.say(call("1", "Wait"), call("2", "Wait"), call("3", "Note", "late"))
        await until(lambda: hub.noted == ["waits", "waits"] and peer.is_heard)
        peer.reads.clear()
        connection.hang_up()
        hub.gate.set()
        await until(lambda: hub.noted.count("has waited") == 2)
        peer.reads.set()
    assert "late" not in hub.noted


async def test_it_may_be_told_to_leave_in_the_moment_in_which_its_patience_ends() -> None:
    loop, left = asyncio.get_running_loop(), asyncio.Event()

    def leave() -> None:
        connection.leave()
        left.set()

    peer = Peer()
    async with serving(peer, Hub(), Timing(handshake_s=0.1)) as connection:
        await asyncio.sleep(0)
        # The loop is late: it finds both due at once, the end of the patience first.
        loop.call_later(0.05, time.sleep, 0.3)
        loop.call_later(0.2, leave)
        await left.wait()
    assert list(json.loads(peer.heard.removesuffix(END))) == ["error"]
