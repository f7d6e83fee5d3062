"""Concurrent reads of feeds from one instance: served, rejected, and time."""

import asyncio
import time
from datetime import UTC, datetime
from uuid import UUID

import httpx
from rich.progress import track

from scripts.benchmarks.report import console, show
from scripts.benchmarks.sample_users import FOLLOW_SECRET, SampleUsers
from scripts.local.ports import HOST
from scripts.local.services import PROJECT
from scripts.local.stack import OWN_EMULATORS, Stack, addresses
from shared.store.database import Database
from shared.store.settings import DatabaseSettings

_FOLLOWED_USERS = 150
_EVENTS_PER_USER = 5
_READERS = (1, 16, 40, 80)
_BEFORE_ALL_EVENTS = "2000-01-01T00:00:00Z"


async def _read(http: httpx.AsyncClient, ids: list[UUID], since: str) -> tuple[int, float]:
    users = [{"userId": str(i), "followSecret": FOLLOW_SECRET, "since": since} for i in ids]
    start = time.perf_counter()
    response = await http.post("/v2/events", json={"users": users})
    return response.status_code, time.perf_counter() - start


async def _measure(
    http: httpx.AsyncClient, ids: list[UUID], new_events: str, since: str, readers: int
) -> tuple[str, ...]:
    start = time.perf_counter()
    outcomes = await asyncio.gather(*(_read(http, ids, since) for _ in range(readers)))
    total_s = time.perf_counter() - start
    served = [seconds for status, seconds in outcomes if status == httpx.codes.OK]
    rejected = [seconds for status, seconds in outcomes if status != httpx.codes.OK]
    return (
        new_events,
        str(readers),
        str(len(served)),
        f"{max(served, default=0):.1f} s",
        str(len(rejected)),
        f"{max(rejected, default=0):.1f} s",
        f"{len(served) / total_s:.1f}",
    )


async def _run() -> None:
    console.print("starting a stack ...")
    with Stack("--isolated", "--emulators", environment=OWN_EMULATORS) as stack:
        emulator = f"{HOST}:{stack.ports.firestore}"
        users = SampleUsers(Database(DatabaseSettings(project=PROJECT, emulator_host=emulator)))
        numbers = track(range(_FOLLOWED_USERS), "publishing events", console=console)
        ids = [await users.create_author(_EVENTS_PER_USER) for _ in numbers]
        since_by_new_events = {
            "none": datetime.now(UTC).isoformat(),
            str(_FOLLOWED_USERS * _EVENTS_PER_USER): _BEFORE_ALL_EVENTS,
        }
        # The functions close connections that were idle for two seconds, and a request on a closed
        # connection fails.
        limits = httpx.Limits(max_keepalive_connections=0)
        async with httpx.AsyncClient(
            base_url=addresses(stack.ports)["events"], timeout=120, limits=limits
        ) as http:
            # One measurement after the other, so that each has the whole instance.
            rows = [
                await _measure(http, ids, new_events, since, readers)
                for new_events, since in since_by_new_events.items()
                for readers in _READERS
            ]
    show(
        f"Concurrent POST /events for {_FOLLOWED_USERS} followed users, one instance",
        ("new events", "readers", "served", "slowest", "rejected", "slowest", "served per second"),
        rows,
    )


def main() -> None:
    """Run the measurement and print the result."""
    asyncio.run(_run())
