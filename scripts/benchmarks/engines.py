"""The same requests on both database engines, in turn: rate, p50, p99 and CPU time."""

import argparse
import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import product

import psutil

from scripts.benchmarks.load import Action, Load, measure
from scripts.benchmarks.processes import FIRESTORE_EMULATOR, GATEWAY, cpu_s, processes_of
from scripts.benchmarks.report import console, show
from scripts.benchmarks.sample_requests import SampleRequests
from scripts.benchmarks.sample_users import EVENT_BYTES, SampleUsers, hash_password
from scripts.local.ports import HOST
from scripts.local.services import PROJECT
from scripts.local.stack import OWN_EMULATORS, Stack
from shared.store.database import Database
from shared.store.settings import DatabaseSettings

_CLIENTS = (1, 16)
_FOLLOWED_USERS = 20
_SQLITE, _EMULATOR = "SQLite", "emulator"
Sizes = tuple[int, int]
"""The bytes of an event or shared item, and of a plan; 0 for no plan."""

_TYPICAL_SIZES: Sizes = EVENT_BYTES, 0
_MAX_SIZES: Sizes = 64 * 1024, 64 * 1024


@dataclass(frozen=True)
class Server:
    """A stack on one engine, and the actions of each client by name."""

    port: int
    clients: list[dict[str, Action]]
    service: list[psutil.Process]
    database: list[psutil.Process]
    """Empty: the database is part of the service."""


@dataclass
class Result:
    """The sum of all rounds."""

    load: Load = field(default_factory=Load)
    service_cpu_s: float = 0
    database_cpu_s: float = 0

    def add_round(self, server: Server, actions: Sequence[Action], duration_s: float) -> None:
        """Measure for `duration_s`."""
        before = cpu_s(server.service), cpu_s(server.database)
        self.load += measure(server.port, actions, duration_s)
        self.service_cpu_s += cpu_s(server.service) - before[0]
        self.database_cpu_s += cpu_s(server.database) - before[1]

    def columns(self) -> Iterator[str]:
        """Yield rate, p50, p99 and CPU time; times in milliseconds."""
        yield f"{self.load.per_second:.0f}"
        for percent in (50, 99):
            yield f"{self.load.percentile_s(percent) * 1000:.1f}"
        count = len(self.load.seconds) or 1
        parts = [self.service_cpu_s, self.database_cpu_s]
        yield " + ".join(f"{part / count * 1000:.1f}" for part in parts if part)


Results = dict[tuple[str, int, str], Result]
"""By action, number of clients and engine."""


async def _clients(settings: DatabaseSettings, sizes: Sizes) -> list[dict[str, Action]]:
    payload_bytes, plan_bytes = sizes
    database = Database(settings)
    users = SampleUsers(database, hash_password(), payload_bytes)
    followed = await users.create_authors(_FOLLOWED_USERS, event_count=5)
    for user_id in followed if plan_bytes else ():
        await users.put_plan(user_id, b"p" * plan_bytes)
    new_since = await users.publish_one_each(followed)
    senders = await users.create_authors(max(_CLIENTS), event_count=1)
    await database.close()
    return [SampleRequests(user_id, followed, new_since, *sizes).actions() for user_id in senders]


def _server(stack: Stack, settings: DatabaseSettings, sizes: Sizes) -> Server:
    return Server(
        stack.ports.base,
        asyncio.run(_clients(settings, sizes)),
        processes_of(stack, GATEWAY),
        processes_of(stack, FIRESTORE_EMULATOR),
    )


def _start(stacks: ExitStack, sizes: Sizes) -> dict[str, Server]:
    console.print("starting two stacks ...")
    sqlite = stacks.enter_context(Stack())
    firestore = stacks.enter_context(Stack("--emulators", environment=OWN_EMULATORS))
    settings = {
        _SQLITE: DatabaseSettings(file=sqlite.data / "liftlog.db"),
        _EMULATOR: DatabaseSettings(
            project=PROJECT, emulator_host=f"{HOST}:{firestore.ports.firestore}"
        ),
    }
    return {
        engine: _server(stack, settings[engine], sizes)
        for engine, stack in {_SQLITE: sqlite, _EMULATOR: firestore}.items()
    }


def _measure(servers: dict[str, Server], rounds: int, duration_s: float) -> Results:
    names = list(next(iter(servers.values())).clients[0])
    results: Results = {key: Result() for key in product(names, _CLIENTS, servers)}

    def run_all(take: Callable[[Result, Server, list[Action]], None]) -> None:
        # The engine changes fastest, so that a busy moment of the machine affects both.
        for (name, clients, engine), result in results.items():
            server = servers[engine]
            take(result, server, [each[name] for each in server.clients[:clients]])

    # The first requests open connections, fill caches and hash passwords.
    run_all(lambda _result, server, actions: Result().add_round(server, actions, 0))
    for number in range(rounds):
        console.print(f"round {number + 1} of {rounds}")
        run_all(lambda result, server, actions: result.add_round(server, actions, duration_s))
    return results


def _show(results: Results, clients: int) -> None:
    rows = []
    for name in dict.fromkeys(name for name, *_ in results):
        sqlite, emulator = (results[name, clients, each] for each in (_SQLITE, _EMULATOR))
        ratio = sqlite.load.per_second / emulator.load.per_second
        rows.append((name, *sqlite.columns(), f"{ratio:.1f}"))
        rows.append(("  on the emulator", *emulator.columns(), ""))
    show(
        f"Concurrent clients: {clients}. First SQLite, then the emulator of Firestore, and the "
        "ratio of their rates. CPU time per request: the service, and the emulator",
        ("request", "per s", "p50 ms", "p99 ms", "CPU ms", "ratio"),
        rows,
    )
    of_these = {key: result.load for key, result in results.items() if key[1] == clients}
    for (name, _, engine), load in of_these.items():
        if load.rejected:
            console.print(f"{name}, {engine}: the service rejected {load.rejected} with 503")
    total_s = sum(load.total_s for load in of_these.values())
    share = sum(load.client_cpu_s for load in of_these.values()) / total_s
    console.print(f"The load generator used {share:.0%} of one core.\n")


def main(arguments: Sequence[str] = ()) -> None:
    """Run the measurement and print the result."""
    parser = argparse.ArgumentParser(prog="./scripts/benchmark engines")
    parser.add_argument("--rounds", type=int, default=2, help="default: %(default)s")
    parser.add_argument(
        "--seconds",
        type=float,
        default=0.35,
        help="per request, engine, number of clients and round (default: %(default)s)",
    )
    parser.add_argument(
        "--largest", action="store_true", help="with plans, events and shared items of 64 KiB"
    )
    chosen = parser.parse_args(arguments)
    with ExitStack() as stacks:
        servers = _start(stacks, _MAX_SIZES if chosen.largest else _TYPICAL_SIZES)
        results = _measure(servers, chosen.rounds, chosen.seconds)
    for clients in _CLIENTS:
        _show(results, clients)
