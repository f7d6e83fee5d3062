"""Memory of functions with payloads of the largest size, for writers and for slow readers.

A reader that stops reading makes the function hold a part of its response.
"""

import asyncio
import json
import socket
from base64 import b64encode
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

import httpx
import psutil
from rich.progress import track

from scripts.benchmarks.memory import find_worker, peak_mib, reset_peak
from scripts.benchmarks.report import console, show
from scripts.benchmarks.sample_users import FOLLOW_SECRET, PASSWORD, SampleUsers, hash_password
from scripts.local.ports import HOST
from scripts.local.services import PROJECT
from scripts.local.stack import OWN_EMULATORS, Stack, addresses
from shared.store.database import Database
from shared.store.settings import DatabaseSettings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

# The limits of the contract.
_PLAN_BYTES = _EVENT_BYTES = 64 * 1024
_SHARED_ITEM_BYTES = 128 * 1024
_PICTURE_BYTES = 2000 * 1024
_USERS_WITH_PICTURE = 40
_FOLLOWED_USERS = 200
_EVENTS_PER_USER = 2
# More than the summary in the user's document contains, so that a feed has to query.
_PROLIFIC_AUTHORS, _EVENTS_OF_PROLIFIC = 5, 210
# The concurrency of an instance of these functions in infra/services.tf.
_CONCURRENT_USERS, _CONCURRENT = 40, 60
_IDLE_S = 2
_MAX_WAIT_S = 120
_BEFORE_ALL_EVENTS = "2000-01-01T00:00:00Z"

Row = tuple[str, ...]


class _Function:
    """A function of the stack, and its worker."""

    def __init__(self, stack: Stack, name: str) -> None:
        self.port = int(addresses(stack.ports)[name].rpartition(":")[2])
        self._worker = psutil.Process(find_worker(stack, name))

    async def peak_of(self, work: Callable[[], Awaitable[object]]) -> str:
        """Return the peak RSS of the worker during `work`."""
        reset_peak(self._worker.pid)
        await work()
        return f"{peak_mib(self._worker.pid):.0f} MiB"

    async def wait_until_idle(self) -> None:
        """Wait until the worker uses less than 5 % of a core."""
        async with asyncio.timeout(_MAX_WAIT_S):
            while True:
                before = sum(self._worker.cpu_times()[:2])
                await asyncio.sleep(_IDLE_S)
                if sum(self._worker.cpu_times()[:2]) - before < _IDLE_S / 20:
                    return

    async def stall(self, path: str, body: bytes, readers: int) -> None:
        """Send a request per reader, and read only the beginning of the responses."""
        async with AsyncExitStack() as connections:
            opened = (
                connections.enter_async_context(_stalled(self.port, path, body))
                for _ in range(readers)
            )
            await asyncio.gather(*opened)
            await self.wait_until_idle()

    async def read(self, path: str, body: bytes) -> None:
        """Read one response to its end."""
        async with (
            httpx.AsyncClient(timeout=_MAX_WAIT_S) as http,
            http.stream(
                "POST",
                f"http://{HOST}:{self.port}{path}",
                content=body,
                headers={"Accept-Encoding": "identity"},
            ) as response,
        ):
            response.raise_for_status()
            async for _ in response.aiter_raw():
                pass

    async def send(self, requests: Sequence[tuple[str, str, bytes | None]]) -> Counter[int]:
        """Send requests at the same time; return the number of responses by status."""
        # The functions close connections that were idle for two seconds.
        limits = httpx.Limits(max_keepalive_connections=0, max_connections=None)
        async with httpx.AsyncClient(
            base_url=f"http://{HOST}:{self.port}", timeout=_MAX_WAIT_S, limits=limits
        ) as http:
            responses = await asyncio.gather(
                *(http.request(method, path, content=body) for method, path, body in requests)
            )
        return Counter(response.status_code for response in responses)


@asynccontextmanager
async def _stalled(port: int, path: str, body: bytes) -> "AsyncIterator[None]":
    """Send a request and read the headers of its response, but not the rest."""
    connection = socket.socket()
    # The rest stays in the function and not in the kernel.
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.setblocking(False)  # noqa: FBT003 - has no keyword
    await asyncio.get_running_loop().sock_connect(connection, (HOST, port))
    reader, writer = await asyncio.open_connection(sock=connection, limit=4096)
    writer.write(
        f"POST {path} HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        + body
    )
    try:
        await reader.readuntil(b"\r\n\r\n")
        yield
    finally:
        writer.transport.abort()


def _users(user_ids: Sequence[UUID]) -> bytes:
    return json.dumps({"ids": [str(user_id) for user_id in user_ids]}).encode()


def _feed(user_ids: Sequence[UUID]) -> bytes:
    users = [
        {"userId": str(i), "followSecret": FOLLOW_SECRET, "since": _BEFORE_ALL_EVENTS}
        for i in user_ids
    ]
    return json.dumps({"users": users}).encode()


async def _measure_all(
    functions: dict[str, _Function],
    ids: Sequence[UUID],
    prolific: Sequence[UUID],
    pictures: Sequence[UUID],
) -> list[Row]:
    """Measure the smaller peaks first: a process keeps most of its memory."""
    users, events, sharing = functions["users"], functions["events"], functions["sharing"]
    new_events = [_event(ids[0]) for _ in range(_CONCURRENT)]
    items = [_shared_item(ids[0]) for _ in range(_CONCURRENT)]
    reads = [
        (users, "POST /users, 200 users with a plan", "/v2/users", _users(ids), _CONCURRENT_USERS),
        (
            users,
            "POST /users, 40 with picture and plan",
            "/v2/users",
            _users(pictures),
            _CONCURRENT_USERS,
        ),
        (events, "POST /events, 400 new events", "/v2/events", _feed(ids), _CONCURRENT),
        (events, "POST /events with queries", "/v2/events", _feed(prolific), _CONCURRENT),
    ]
    return [
        await _measure_writes(events, "PUT /event of one author", "PUT", "/v2/event", new_events),
        await _measure_writes(sharing, "POST /shareditem", "POST", "/v2/shareditem", items),
        *[await _measure_one(*each[:-1]) for each in reads],
        *[await _measure_stalled(*each) for each in reads],
    ]


async def _measure_one(function: _Function, name: str, path: str, body: bytes) -> Row:
    return name, "1", await function.peak_of(lambda: function.read(path, body))


async def _measure_stalled(
    function: _Function, name: str, path: str, body: bytes, readers: int
) -> Row:
    peak = await function.peak_of(lambda: function.stall(path, body, readers))
    return name, f"{readers} that stop reading", peak


def _tomorrow() -> str:
    return (datetime.now(UTC) + timedelta(days=1)).isoformat()


def _event(user_id: UUID) -> bytes:
    event = {
        "userId": str(user_id),
        "password": PASSWORD,
        "eventId": str(uuid4()),
        "encryptedEventPayload": b64encode(b"\xfb" * _EVENT_BYTES).decode(),
        "encryptedEventIV": b64encode(b"i" * 16).decode(),
        "expiry": _tomorrow(),
    }
    return json.dumps(event).encode()


def _shared_item(user_id: UUID) -> bytes:
    payload = {
        "encryptedPayload": b64encode(b"\xfb" * _SHARED_ITEM_BYTES).decode(),
        "iv": {"value": b64encode(b"i" * 16).decode()},
    }
    item = {"userId": str(user_id), "password": PASSWORD, "expiry": _tomorrow()}
    return json.dumps({**item, "encryptedPayload": payload}).encode()


async def _measure_writes(
    function: _Function, name: str, method: str, path: str, bodies: Sequence[bytes]
) -> Row:
    statuses: Counter[int] = Counter()

    async def send() -> None:
        statuses.update(await function.send([(method, path, body) for body in bodies]))

    # The first request hashes the password.
    await function.send([(method, path, bodies[0])])
    peak = await function.peak_of(send)
    outcome = ", ".join(f"{count} x {status}" for status, count in statuses.items())
    return name, f"{len(bodies)}: {outcome}", peak


async def _run() -> None:
    console.print("starting a stack ...")
    with Stack("--isolated", "--emulators", environment=OWN_EMULATORS) as stack:
        emulator = f"{HOST}:{stack.ports.firestore}"
        database = Database(DatabaseSettings(project=PROJECT, emulator_host=emulator))
        users = SampleUsers(database, hash_password(), event_bytes=_EVENT_BYTES)
        ids = []
        for _ in track(range(_FOLLOWED_USERS), "writing plans and events", console=console):
            ids.append(await users.create_author(_EVENTS_PER_USER))
            await users.put_plan(ids[-1], b"\xfb" * _PLAN_BYTES)
        prolific = [
            await users.create_author(_EVENTS_OF_PROLIFIC) for _ in range(_PROLIFIC_AUTHORS)
        ]
        pictures = [await users.create() for _ in range(_USERS_WITH_PICTURE)]
        for user_id in pictures:
            await users.put_plan(user_id, b"\xfb" * _PLAN_BYTES, b"\xfb" * _PICTURE_BYTES)
        functions = {name: _Function(stack, name) for name in ("users", "events", "sharing")}
        rows = await _measure_all(functions, ids, prolific, pictures)
    show(
        "Plans and events of 64 KiB, shared items of 128 KiB, pictures of 2,000 KiB",
        ("request", "concurrent", "peak RSS of the worker"),
        rows,
    )


def main() -> None:
    """Run the measurement and print the result."""
    asyncio.run(_run())
