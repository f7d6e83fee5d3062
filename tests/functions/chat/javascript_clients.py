"""SignalR's official client, in a Node process that runs commands."""

import asyncio
import json
import os
import subprocess
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any, Literal
from uuid import uuid4

from tests.functions.chat.client_interface import (
    TEST_TIMEOUT_S,
    Client,
    ConnectionRejectedError,
    InvocationError,
)
from tests.functions.chat.npm_packages import install

HERE = Path(__file__).with_name("javascript")
LOCK = HERE / "package-lock.json"
_MAX_LINE_BYTES = 16 * 1024 * 1024

Platform = Literal["node", "browser", "react-native"]


class JavaScriptClient(Client):
    """A connection inside a Node process."""

    def __init__(self, node: "Node", *, is_new: bool) -> None:
        super().__init__()
        self._node = node
        self._name = str(uuid4())
        self._version: list[object] = [3] if is_new else []
        self._unit: list[object] = ["kilograms"] if is_new else []
        self.events: list[str] = []
        """The events of the connection, oldest first."""

    async def introduce(self, locale: str) -> None:
        await self.invoke("Introduce", locale, *self._version, *self._unit)

    async def send_message(self, text: str) -> None:
        await self.invoke("SendMessage", text, *self._version)

    async def invoke(self, method: str, *values: object) -> None:
        await self.run("invoke", method=method, values=values)

    async def stop(self) -> None:
        await self.run("send", method="StopInProgress", values=())

    async def restart(self) -> None:
        await self.run("send", method="RestartChat", values=())

    async def run(self, command: str, **details: object) -> None:
        """Run a command of the driver."""
        await self._node.run(self._name, command, **details)

    def handle(self, line: dict[str, Any]) -> None:
        """Handle a message or an event of this client."""
        if "received" in line:
            self.received.append(line["received"])
        else:
            self.events.append(line["event"])

    @property
    def name(self) -> str:
        """The driver's name for this client."""
        return self._name


@dataclass
class Node:
    """A Node process with one release of the library; `prefix` precedes all paths."""

    process: asyncio.subprocess.Process
    prefix: str
    _clients: dict[str, JavaScriptClient] = field(default_factory=dict)
    _waiting: dict[int, asyncio.Future[Any]] = field(default_factory=dict)
    _numbers: Iterator[int] = field(default_factory=count)

    @asynccontextmanager
    async def connect(
        self,
        server: str,
        token: str | None,
        *,
        is_new: bool,
        negotiates: bool = True,
        reconnects: bool = False,
        headers: Mapping[str, str] | None = None,
    ) -> AsyncIterator[JavaScriptClient]:
        """Connect; as `Library`. With `reconnects`, the library reconnects by itself.

        Today's app sends its credentials as plain `headers`, without a token.
        """
        url = f"{server}{self.prefix}/{'ai-chat-v2' if is_new else 'ai-chat'}"
        client = JavaScriptClient(self, is_new=is_new)
        self._clients[client.name] = client
        options = {"skipsNegotiation": not negotiates, "reconnects": reconnects}
        try:
            await client.run("connect", url=url, token=token, headers=headers or {}, **options)
        except InvocationError as error:
            raise ConnectionRejectedError(str(error)) from None
        try:
            yield client
        finally:
            await client.run("disconnect")

    async def run(self, client: str, command: str, **details: object) -> Any:
        """Run a command of a client, and return its result. Raises InvocationError."""
        number, done = next(self._numbers), asyncio.get_running_loop().create_future()
        self._waiting[number] = done
        line = json.dumps({"number": number, "client": client, "command": command, **details})
        assert self.process.stdin is not None
        self.process.stdin.write(f"{line}\n".encode())
        async with asyncio.timeout(TEST_TIMEOUT_S):
            return await done

    async def read_lines(self) -> None:
        """Handle the output of the process until it ends."""
        assert self.process.stdout is not None
        async for text in self.process.stdout:
            line = json.loads(text)
            if "number" not in line:
                self._clients[line["client"]].handle(line)
                continue
            done = self._waiting.pop(line["number"])
            if done.done():
                continue  # the waiting test was cancelled
            if "error" in line:
                done.set_exception(InvocationError(line["error"]))
            else:
                done.set_result(line.get("result"))
        for done in self._waiting.values():
            done.set_exception(InvocationError("the Node process has ended"))


@asynccontextmanager
async def start_node(
    library: str, *, prefix: str = "", platform: Platform = "node"
) -> AsyncIterator[Node]:
    """Run a library of the lock file in a Node process, in its build for `platform`."""
    arguments = (installed_libraries(), library, platform)
    async with start_driver(HERE / "driver.mjs", *arguments, prefix=prefix) as node:
        yield node


def installed_libraries() -> Path:
    """Return the folder of the libraries."""
    return install(HERE) / "node_modules"


@asynccontextmanager
async def start_driver(
    script: Path,
    *arguments: str | Path,
    prefix: str,
    environment: Mapping[str, str] | None = None,
) -> AsyncIterator[Node]:
    """Run a script that runs the commands of the tests."""
    process = await asyncio.create_subprocess_exec(
        "node",
        script,
        *arguments,
        env={**os.environ, **(environment or {})},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        limit=_MAX_LINE_BYTES,
    )
    node = Node(process, prefix)
    reading = asyncio.create_task(node.read_lines())
    try:
        yield node
    finally:
        assert process.stdin is not None
        process.stdin.close()
        await reading
        await process.wait()
