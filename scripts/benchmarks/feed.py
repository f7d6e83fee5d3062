"""Cost of a feed: round trips, documents, CPU of the function, and time."""

import asyncio
import logging
import time
from datetime import datetime
from statistics import median
from uuid import UUID

import httpx
from rich.progress import track

import functions.events.main
from scripts.benchmarks.report import console, milliseconds, show
from scripts.benchmarks.sample_users import FOLLOW_SECRET, LIFETIME, SampleUsers
from scripts.local.ports import HOST
from scripts.local.round_trips import RoundTrips
from scripts.local.services import PROJECT
from scripts.local.stack import OWN_EMULATORS, Stack
from shared.store.database import Database
from shared.store.settings import DatabaseSettings
from shared.web.app import build_app

_FOLLOWED_USERS = (1, 20, 200)
_EVENTS_PER_USER = 5
_RUNS = 20
_BEFORE_ALL_EVENTS = "2000-01-01T00:00:00Z"


_Since = dict[UUID, str]


async def _own_times(http: httpx.AsyncClient, ids: list[UUID]) -> _Since:
    """Return the own time of each author's newest event, which today's app sends."""
    response = await http.post("/v2/events", json=_request(dict.fromkeys(ids, _BEFORE_ALL_EVENTS)))
    return {
        UUID(event["userId"]): (datetime.fromisoformat(event["expiry"]) - LIFETIME).isoformat()
        for event in response.raise_for_status().json()["events"]
    }


def _request(since: _Since) -> dict[str, list[dict[str, str]]]:
    return {
        "users": [
            {"userId": str(user_id), "followSecret": FOLLOW_SECRET, "since": instant}
            for user_id, instant in since.items()
        ]
    }


async def _measure(http: httpx.AsyncClient, trips: RoundTrips, since: _Since) -> tuple[str, ...]:
    request = _request(since)
    walls, cpus, events, round_trips = [], [], 0, 0
    for _ in range(_RUNS):
        wall, cpu = time.perf_counter(), time.process_time()
        with trips.counted() as calls:
            response = await http.post("/v2/events", json=request)
        round_trips = len(calls)
        walls.append(time.perf_counter() - wall)
        cpus.append(time.process_time() - cpu)
        events = len(response.raise_for_status().json()["events"])
    return (
        str(len(since)),
        str(events),
        str(round_trips),
        str(trips.documents),
        milliseconds(median(cpus)),
        milliseconds(median(walls)),
    )


async def _run() -> None:
    console.print("starting a stack for its emulator ...")
    # The function runs in this process, because CPU time and round trips are measured here. Its
    # line per request would hide the table.
    logging.getLogger("shared.web.request_log").setLevel(logging.WARNING)
    with Stack("--emulators", environment=OWN_EMULATORS) as stack:
        settings = DatabaseSettings(
            project=PROJECT, emulator_host=f"{HOST}:{stack.ports.firestore}"
        )
        users = SampleUsers(Database(settings))
        numbers = track(range(max(_FOLLOWED_USERS)), "publishing events", console=console)
        ids = [await users.create_author(_EVENTS_PER_USER) for _ in numbers]
        trips = RoundTrips()
        app = build_app(functions.events.main.routes(Database(settings, trips.open_engine)))
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app), base_url="http://events"
        ) as http:
            own_times = await _own_times(http, ids)
            rows = [
                await _measure(http, trips, since)
                for count in _FOLLOWED_USERS
                for since in (
                    {user_id: own_times[user_id] for user_id in ids[:count]},
                    dict.fromkeys(ids[:count], _BEFORE_ALL_EVENTS),
                )
            ]
    show(
        f"POST /events, median of {_RUNS}; CPU includes the JSON of the client",
        ("followed", "events", "round trips", "documents", "CPU", "wall"),
        rows,
    )


def main() -> None:
    """Run the measurement and print the result."""
    asyncio.run(_run())
