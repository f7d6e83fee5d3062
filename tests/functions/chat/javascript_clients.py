"""The official client of SignalR, in a Node process that is told what to do.

Two releases of it are installed from the lock file beside `driver.mjs`. `npm install
--package-lock-only` there renews it; what it says about funding is to be taken out again.
"""

import asyncio
import json
import os
import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal
from uuid import uuid4

import pytest

from scripts.root import ROOT
from tests.functions.chat.scenario import PATIENCE_S, CallFailedError, Client, RefusedError

HERE = Path(__file__).with_name("javascript")
LOCK = HERE / "package-lock.json"
_INSTALLED_BY = ("package.json", LOCK.name, ".npmrc")
_INSTALL_WITHIN_S = 300
_LONGEST_LINE = 16 * 1024 * 1024

Platform = Literal["node", "browser", "react-native"]


def installed() -> Path:
    """Return the folder with the libraries of the lock file, after installing them if need be."""
    folder = ROOT / ".dev" / f"javascript-{sha256(LOCK.read_bytes()).hexdigest()[:16]}"
    if not folder.exists():
        folder.parent.mkdir(exist_ok=True)
        # Elsewhere first: nobody may find half of it, and of two who install, either may win.
        with TemporaryDirectory(prefix="javascript-", dir=folder.parent) as begun:
            here = Path(begun, "installed")
            here.mkdir()
            for name in _INSTALLED_BY:
                shutil.copy(HERE / name, here)
            subprocess.run(["npm", "ci"], cwd=here, check=True, timeout=_INSTALL_WITHIN_S)  # noqa: S607
            with suppress(OSError):
                here.rename(folder)
    return folder / "node_modules"


class JavaScriptClient(Client):
    """A connection inside a Node process."""

    def __init__(self, node: "Node", *, is_new: bool) -> None:
        super().__init__()
        self._node = node
        self._name = str(uuid4())
        self._version: list[object] = [3] if is_new else []
        self._unit: list[object] = ["kilograms"] if is_new else []
        self.events: list[str] = []
        """What became of the connection."""

    async def introduce(self, locale: str) -> None:
        await self.call("Introduce", locale, *self._version, *self._unit)

    async def say(self, text: str) -> None:
        await self.call("SendMessage", text, *self._version)

    async def call(self, method: str, *values: object) -> None:
        await self.do("invoke", method=method, values=values)

    async def stop(self) -> None:
        await self.do("send", method="StopInProgress", values=())

    async def restart(self) -> None:
        await self.do("send", method="RestartChat", values=())

    async def do(self, command: str, **details: object) -> None:
        """Do what the driver has a command for."""
        await self._node.do(self._name, command, **details)

    def hear(self, line: dict[str, Any]) -> None:
        """Take what the driver tells about this client."""
        if "received" in line:
            self.received.append(line["received"])
        else:
            self.events.append(line["event"])

    @property
    def name(self) -> str:
        """What the driver calls it."""
        return self._name


@dataclass
class Node:
    """A Node process with one release of the library; its clients put `prefix` before paths."""

    process: asyncio.subprocess.Process
    prefix: str
    _clients: dict[str, JavaScriptClient] = field(default_factory=dict)
    _waiting: dict[int, asyncio.Future[None]] = field(default_factory=dict)
    _numbers: Iterator[int] = field(default_factory=count)

    @asynccontextmanager
    async def connected(
        self,
        server: str,
        token: str,
        *,
        is_new: bool,
        negotiates: bool = True,
        reconnects: bool = False,
    ) -> AsyncIterator[JavaScriptClient]:
        """Connect; as `Library`. With `reconnects` it comes back by itself."""
        url = f"{server}{self.prefix}/{'ai-chat-v2' if is_new else 'ai-chat'}"
        client = JavaScriptClient(self, is_new=is_new)
        self._clients[client.name] = client
        how = {"skipsNegotiation": not negotiates, "reconnects": reconnects}
        try:
            await client.do("connect", url=url, token=token, **how)
        except CallFailedError as error:
            raise RefusedError(str(error)) from None
        try:
            yield client
        finally:
            await client.do("disconnect")

    async def do(self, client: str, command: str, **details: object) -> None:
        """Have a client do something; returns when it has, and fails with CallFailedError."""
        number, done = next(self._numbers), asyncio.get_running_loop().create_future()
        self._waiting[number] = done
        line = json.dumps({"number": number, "client": client, "command": command, **details})
        assert self.process.stdin is not None
        self.process.stdin.write(f"{line}\n".encode())
        async with asyncio.timeout(PATIENCE_S):
            await done

    async def listen(self) -> None:
        """Take what the process says until it ends."""
        assert self.process.stdout is not None
        async for text in self.process.stdout:
            line = json.loads(text)
            if "number" not in line:
                self._clients[line["client"]].hear(line)
                continue
            done = self._waiting.pop(line["number"])
            if done.done():
                continue  # nobody waits for it any more
            if "error" in line:
                done.set_exception(CallFailedError(line["error"]))
            else:
                done.set_result(None)
        for done in self._waiting.values():
            done.set_exception(CallFailedError("Node has ended"))


@asynccontextmanager
async def started(
    library: str, *, prefix: str = "", platform: Platform = "node"
) -> AsyncIterator[Node]:
    """Run a library, as the lock file calls it, in a Node process for the length of the block.

    It believes to be on `platform`.
    """
    if shutil.which("node") is None and "CI" not in os.environ:  # where it is, it has to run
        pytest.skip("there is no node on the PATH")
    process = await asyncio.create_subprocess_exec(
        "node",
        HERE / "driver.mjs",
        installed(),
        library,
        platform,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        limit=_LONGEST_LINE,
    )
    node = Node(process, prefix)
    listening = asyncio.create_task(node.listen())
    try:
        yield node
    finally:
        assert process.stdin is not None
        process.stdin.close()
        await listening
        await process.wait()
