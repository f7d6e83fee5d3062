"""How one instance bears many readers at once: feeds, while everyone wants theirs now."""

import asyncio
import time
from datetime import UTC, datetime
from uuid import UUID

import httpx
from rich.progress import track

from scripts.benchmarks.report import console, show
from scripts.benchmarks.seeds import SECRET, Seeds
from scripts.local.ports import HOST
from scripts.local.services import PROJECT
from scripts.local.stack import OWN_EMULATORS, Stack, addresses
from shared.store.database import Database
from shared.store.settings import DatabaseSettings

_FOLLOWED = 150
_EVENTS = 5
_READERS = (1, 16, 40, 80)
_LONG_AGO = "2000-01-01T00:00:00Z"


async def _read(http: httpx.AsyncClient, ids: list[UUID], since: str) -> tuple[int, float]:
    users = [{"userId": str(i), "followSecret": SECRET, "since": since} for i in ids]
    start = time.perf_counter()
    answer = await http.post("/v2/events", json={"users": users})
    return answer.status_code, time.perf_counter() - start


async def _measure(
    http: httpx.AsyncClient, ids: list[UUID], news: str, since: str, readers: int
) -> tuple[str, ...]:
    start = time.perf_counter()
    outcomes = await asyncio.gather(*(_read(http, ids, since) for _ in range(readers)))
    took = time.perf_counter() - start
    served = [seconds for status, seconds in outcomes if status == httpx.codes.OK]
    refused = [seconds for status, seconds in outcomes if status != httpx.codes.OK]
    return (
        news,
        str(readers),
        str(len(served)),
        f"{max(served, default=0):.1f} s",
        str(len(refused)),
        f"{max(refused, default=0):.1f} s",
        f"{len(served) / took:.1f}",
    )


async def _run() -> None:
    console.print("starting a stack ...")
    with Stack("--isolated", environment=OWN_EMULATORS) as stack:
        emulator = f"{HOST}:{stack.ports.firestore}"
        seeds = Seeds(Database(DatabaseSettings(project=PROJECT, emulator_host=emulator)))
        numbers = track(range(_FOLLOWED), "publishing", console=console)
        ids = [await seeds.author(_EVENTS) for _ in numbers]
        sinces = {"none": datetime.now(UTC).isoformat(), str(_FOLLOWED * _EVENTS): _LONG_AGO}
        # The functions close connections that were idle for two seconds.
        limits = httpx.Limits(max_keepalive_connections=0)
        async with httpx.AsyncClient(
            base_url=addresses(stack.ports)["events"], timeout=120, limits=limits
        ) as http:
            rows = [
                await _measure(http, ids, news, since, readers)
                for news, since in sinces.items()
                for readers in _READERS
            ]
    show(
        f"POST /events for {_FOLLOWED} followed users, from one instance, all at once",
        ("new events", "readers", "served", "slowest", "refused", "slowest", "served per second"),
        rows,
    )


def main() -> None:
    """Measure and print."""
    asyncio.run(_run())
