"""Cost of passwords: the first request, later requests, and concurrent readers."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import httpx
from rich.progress import track

from scripts.benchmarks.report import console, milliseconds, percentiles, show
from scripts.local.stack import OWN_EMULATORS, Stack, addresses
from shared.auth.passwords import derive

_PUTS = 400
_NEW_USERS = 60
_WRITERS = 16
_READS = 200

User = dict[str, str]


class Clients:
    """Clients of one stack."""

    def __init__(self, urls: dict[str, str], http: httpx.AsyncClient) -> None:
        self._urls = urls
        self._http = http

    async def create(self) -> User:
        """Create a user whose password is not cached in `events`."""
        response = await self._http.post(f"{self._urls['users']}/v2/user/create", json={})
        user = response.raise_for_status().json()
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
        response = await self._http.put(f"{self._urls['events']}/v2/event", json=body)
        response.raise_for_status()

    async def read(self) -> float:
        """Read a feed; return the seconds it took."""
        user = {"userId": str(uuid4()), "followSecret": "s", "since": "2000-01-01T00:00:00Z"}
        start = time.perf_counter()
        response = await self._http.post(
            f"{self._urls['events']}/v2/events", json={"users": [user]}
        )
        response.raise_for_status()
        return time.perf_counter() - start


Request = Callable[[], Awaitable[None]]


async def _measure_rate(requests: list[Request], concurrency: int) -> float:
    semaphore = asyncio.Semaphore(concurrency)

    async def send(request: Request) -> None:
        async with semaphore:
            await request()

    start = time.perf_counter()
    await asyncio.gather(*(send(each) for each in requests))
    return len(requests) / (time.perf_counter() - start)


async def _measure(clients: Clients) -> None:
    # CPU time, because other processes share the cores.
    start = time.process_time()
    derive("password", b"salt" * 16)
    hash_s = time.process_time() - start

    # This put hashes the password. Later puts find it in the cache.
    known = await clients.create()
    await clients.put(known)
    # A password is new only once, so each of the two measurements has its own users.
    users = [
        await clients.create()
        for _ in track(range(_NEW_USERS * 2), "creating users", console=console)
    ]
    cached = await _measure_rate([lambda: clients.put(known)] * _PUTS, concurrency=1)
    first = await _measure_rate(
        [lambda user=user: clients.put(user) for user in users[:_NEW_USERS]],  # type: ignore[misc] # binds `user` now
        concurrency=_WRITERS,
    )

    idle = [await clients.read() for _ in range(_READS)]
    # A task, so that the reader runs while the writers are busy.
    writing = asyncio.gather(
        _measure_rate(
            [lambda user=user: clients.put(user) for user in users[_NEW_USERS:]],  # type: ignore[misc] # binds `user` now
            concurrency=_WRITERS,
        )
    )
    busy = []
    while not writing.done():
        busy.append(await clients.read())
    await writing

    show(
        f"Authenticated puts; one PBKDF2 takes {milliseconds(hash_s)} of CPU",
        ("user", "puts per second", "ratio"),
        [
            ("a new user each time", f"{first:.1f}", "1"),
            ("the same user, one put after the other", f"{cached:.1f}", f"{cached / first:.0f}"),
        ],
    )
    show(
        f"A reader of the same process, alone and with {_WRITERS} concurrent writers",
        ("writers", "reads", "p50", "p95"),
        [
            ("none", str(len(idle)), *percentiles(idle)),
            (f"{_WRITERS}, with new users", str(len(busy)), *percentiles(busy)),
        ],
    )


async def _run() -> None:
    console.print("starting a stack ...")
    with Stack("--isolated", "--emulators", environment=OWN_EMULATORS) as stack:
        async with httpx.AsyncClient(timeout=60) as http:
            await _measure(Clients(addresses(stack.ports), http))


def main() -> None:
    """Run the measurement and print the result."""
    asyncio.run(_run())
