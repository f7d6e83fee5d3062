"""What passwords cost: once, again, and everyone else meanwhile."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import httpx
from rich.progress import track

from scripts.benchmarks.report import console, milliseconds, show, spread
from scripts.local.stack import OWN_EMULATORS, Stack, addresses
from shared.auth.passwords import derive

_PUTS = 400
_NEW_USERS = 60
_WRITERS = 16
_READS = 200

User = dict[str, str]


class Clients:
    """Clients of one stack."""

    def __init__(self, where: dict[str, str], http: httpx.AsyncClient) -> None:
        self._where = where
        self._http = http

    async def create(self) -> User:
        """Create a user; `events` has never seen its password."""
        answer = await self._http.post(f"{self._where['users']}/v2/user/create", json={})
        user = answer.raise_for_status().json()
        return {"userId": user["id"], "password": user["password"]}

    async def put(self, user: User) -> None:
        """Publish an event of 2 KB."""
        body = {
            **user,
            "eventId": str(uuid4()),
            "encryptedEventPayload": "AAAA" * 666,
            "encryptedEventIV": "AAAA",
            "expiry": (datetime.now(UTC) + timedelta(days=1)).isoformat(),
        }
        answer = await self._http.put(f"{self._where['events']}/v2/event", json=body)
        answer.raise_for_status()

    async def read(self) -> float:
        """Read a feed; return the seconds it took."""
        user = {"userId": str(uuid4()), "followSecret": "s", "since": "2000-01-01T00:00:00Z"}
        start = time.perf_counter()
        answer = await self._http.post(f"{self._where['events']}/v2/events", json={"users": [user]})
        answer.raise_for_status()
        return time.perf_counter() - start


async def _per_second(calls: list[Callable[[], Awaitable[None]]], at_once: int) -> float:
    turns = asyncio.Semaphore(at_once)

    async def call(one: Callable[[], Awaitable[None]]) -> None:
        async with turns:
            await one()

    start = time.perf_counter()
    await asyncio.gather(*(call(one) for one in calls))
    return len(calls) / (time.perf_counter() - start)


async def _measure(clients: Clients) -> None:
    start = time.process_time()
    derive("password", b"salt" * 16)
    hash_s = time.process_time() - start

    known = await clients.create()
    await clients.put(known)
    users = [
        await clients.create()
        for _ in track(range(_NEW_USERS * 2), "creating users", console=console)
    ]
    again = await _per_second([lambda: clients.put(known)] * _PUTS, at_once=1)
    first = await _per_second(
        [lambda user=user: clients.put(user) for user in users[:_NEW_USERS]],  # type: ignore[misc] # bound now
        at_once=_WRITERS,
    )

    idle = [await clients.read() for _ in range(_READS)]
    writing = asyncio.gather(
        _per_second(
            [lambda user=user: clients.put(user) for user in users[_NEW_USERS:]],  # type: ignore[misc] # bound now
            at_once=_WRITERS,
        )
    )
    busy = []
    while not writing.done():
        busy.append(await clients.read())
    await writing

    show(
        f"Authenticated puts; one PBKDF2 takes {milliseconds(hash_s)} of CPU",
        ("who", "puts per second", "ratio"),
        [
            ("a new user each time", f"{first:.1f}", "1"),
            ("the same user, one after the other", f"{again:.1f}", f"{again / first:.0f}"),
        ],
    )
    show(
        f"A reader of the same process, while {_WRITERS} writers with new users are busy",
        ("when", "reads", "p50", "p95"),
        [
            ("nobody writes", str(len(idle)), *spread(idle)),
            ("16 new users write", str(len(busy)), *spread(busy)),
        ],
    )


async def _run() -> None:
    console.print("starting a stack ...")
    with Stack("--isolated", environment=OWN_EMULATORS) as stack:
        async with httpx.AsyncClient(timeout=60) as http:
            await _measure(Clients(addresses(stack.ports), http))


def main() -> None:
    """Measure and print."""
    asyncio.run(_run())
