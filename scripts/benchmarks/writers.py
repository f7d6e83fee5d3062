"""Concurrent puts of one author, as after a day offline: rate, p99 and failures."""

import asyncio
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from statistics import quantiles
from uuid import uuid4

import httpx

from scripts.benchmarks.report import console, milliseconds, show
from scripts.local.stack import OWN_EMULATORS, Stack, addresses

_CLIENTS = (1, 16, 64)
_PUTS = 320
_WARM_UP = 20
_ROUNDS = 3

Result = tuple[float, list[float], Counter[int]]
"""Seconds in total, seconds of each put, and the number of puts by status."""


async def _put(http: httpx.AsyncClient, author: dict[str, str]) -> tuple[int, float]:
    body = {
        **author,
        "eventId": str(uuid4()),
        "encryptedEventPayload": "AAAA" * 666,
        "encryptedEventIV": "AAAA",
        "expiry": (datetime.now(UTC) + timedelta(days=1)).isoformat(),
    }
    start = time.perf_counter()
    response = await http.put("/v2/event", json=body)
    return response.status_code, time.perf_counter() - start


async def _measure(http: httpx.AsyncClient, author: dict[str, str], clients: int) -> Result:
    """Make all puts of a round with this number of clients."""
    # The clients share the iterator: each takes the next put when its last one has ended.
    puts = iter(range(_PUTS))
    outcomes: list[tuple[int, float]] = []

    async def client() -> None:
        for _ in puts:
            outcomes.append(await _put(http, author))  # noqa: PERF401 - the clients share the list

    start = time.perf_counter()
    await asyncio.gather(*(client() for _ in range(clients)))
    total_s = time.perf_counter() - start
    return total_s, [seconds for _, seconds in outcomes], Counter(status for status, _ in outcomes)


async def _create_author(http: httpx.AsyncClient, users: str) -> dict[str, str]:
    created = (await http.post(f"{users}/v2/user/create", json={})).raise_for_status().json()
    return {"userId": created["id"], "password": created["password"]}


def _format_row(clients: int, rounds: list[Result]) -> tuple[str, ...]:
    seconds = [each for _, all_seconds, _ in rounds for each in all_seconds]
    statuses = sum((counts for *_, counts in rounds), Counter[int]())
    failures = statuses.total() - statuses[httpx.codes.OK]
    return (
        str(clients),
        f"{len(seconds) / sum(total_s for total_s, *_ in rounds):.0f}",
        milliseconds(quantiles(seconds, n=100)[-1]),
        f"{failures} of {statuses.total()}",
    )


async def _run() -> None:
    console.print("starting a stack ...")
    with Stack("--isolated", "--emulators", environment=OWN_EMULATORS) as stack:
        urls = addresses(stack.ports)
        # The functions close connections that were idle for two seconds, and a request on a closed
        # connection fails.
        limits = httpx.Limits(max_keepalive_connections=0, max_connections=None)
        async with httpx.AsyncClient(base_url=urls["events"], timeout=60, limits=limits) as http:
            author = await _create_author(http, urls["users"])
            # The first puts open connections and fill caches.
            for _ in range(_WARM_UP):
                await _put(http, author)
            # Rounds alternate between the numbers of clients, so that a busy moment affects all.
            rounds: dict[int, list[Result]] = {clients: [] for clients in _CLIENTS}
            for number in range(_ROUNDS):
                console.print(f"round {number + 1} of {_ROUNDS}")
                for clients, results in rounds.items():
                    results.append(await _measure(http, author, clients))
    show(
        f"Concurrent PUT /event of one author, {_ROUNDS} rounds of {_PUTS}",
        ("clients", "puts per second", "p99", "failures"),
        [_format_row(clients, results) for clients, results in rounds.items()],
    )


def main() -> None:
    """Run the measurement and print the result."""
    asyncio.run(_run())
