"""The same requests on database files with few and many events, in turn; file size and memory."""

import argparse
import asyncio
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory

from scripts.benchmarks.load import Load, measure
from scripts.benchmarks.processes import GATEWAY, memory_mib, processes_of
from scripts.benchmarks.report import milliseconds, show
from scripts.benchmarks.sample_files import SampleFile, fill, fill_typical
from scripts.benchmarks.sample_requests import SampleRequests
from scripts.benchmarks.sample_users import SampleUsers
from scripts.local.stack import Stack
from scripts.root import ROOT
from shared.store.data_model import EVENTS
from shared.store.database import Database
from shared.store.expired import Expired
from shared.store.settings import DatabaseSettings

_FEW_EVENTS = 1_000
_EVENTS_OF_SENDER = 200
_OTHER_EVENTS = _FEW_EVENTS - _EVENTS_OF_SENDER
_FEED_WITH_EVENTS = "POST /events, 20 new"
_ACTIONS = (
    "GET /user/{id}",
    "PUT /event",
    "POST /events, none new",
    _FEED_WITH_EVENTS,
    "PUT + POST /inbox",
)
_CLEANUP = "cleanup of 300 events"
# Other programs of the machine affect the fastest repetitions least.
_PERCENTILE = 10
_PAGE_SIZE = 300
_TYPICAL_USERS = 200
_PICTURE_BYTES = 100 * 1024


def _fill_files(folder: Path, events: int) -> dict[str, SampleFile]:
    contents = {
        f"{_FEW_EVENTS:,} events": (_EVENTS_OF_SENDER, _OTHER_EVENTS),
        f"{events:,} of others": (_EVENTS_OF_SENDER, events - _EVENTS_OF_SENDER),
        f"{events:,} of the user": (events - _OTHER_EVENTS, _OTHER_EVENTS),
    }
    files = {}
    for name, counts in contents.items():
        # A stack gives its file this name.
        path = folder / name.replace(" ", "-") / "liftlog.db"
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            files[name] = SampleFile.load(path)
        except FileNotFoundError:
            path.unlink(missing_ok=True)  # of an interrupted run
            files[name] = asyncio.run(fill(path, *counts))
            files[name].save()
    return files


class _Measurement:
    def __init__(self, file: SampleFile, stack: Stack) -> None:
        self._file, self._stack = file, stack
        self.loads = {name: Load() for name in (*_ACTIONS, _CLEANUP)}

    def warm_up(self) -> None:
        """Perform each action once, to open connections and fill caches."""
        for name in _ACTIONS:
            self.repeat(name, 0)
            self.loads[name] = Load()

    def repeat(self, name: str, duration_s: float) -> None:
        """Repeat an action for a time, or delete one page of expired events."""
        if name == _CLEANUP:
            self.loads[name].seconds.append(asyncio.run(_purge_page(self._file)))
            return
        new_since = datetime.now(UTC)
        if name == _FEED_WITH_EVENTS:
            # Each followed user has one new event. The sender is one of them, and publishes others.
            new_since = asyncio.run(_publish_one_each(self._file))
        requests = SampleRequests(self._file.sender, self._file.followed, new_since)
        action = requests.actions()[name]
        self.loads[name] += measure(self._stack.ports.base, [action], duration_s)

    @property
    def size_mib(self) -> float:
        """The size of the file."""
        return _mib(self._file.path)

    @property
    def memory_mib(self) -> float:
        """The memory of the service."""
        return memory_mib(processes_of(self._stack, GATEWAY))


async def _publish_one_each(file: SampleFile) -> datetime:
    database = Database(DatabaseSettings(file=file.path))
    new_since = await SampleUsers(database).publish_one_each(file.followed)
    await database.close()
    return new_since


async def _purge_page(file: SampleFile) -> float:
    """Delete 300 expired events as the cleanup does; return the seconds."""
    database = Database(DatabaseSettings(file=file.path))
    await file.add_expired(database, _PAGE_SIZE)
    purge = Expired(database, _PAGE_SIZE).purge(EVENTS, datetime.now(UTC))
    start = time.perf_counter()
    await anext(purge)
    seconds = time.perf_counter() - start
    await purge.aclose()
    await database.close()
    return seconds


@contextmanager
def _running(files: dict[str, SampleFile]) -> Iterator[dict[str, _Measurement]]:
    with ExitStack() as stacks:
        yield {
            name: _Measurement(file, stacks.enter_context(Stack("--data", str(file.path.parent))))
            for name, file in files.items()
        }


def _show(measurements: dict[str, _Measurement]) -> None:
    first, *others = measurements.values()
    rows = []
    for name in first.loads:
        expected_s = first.loads[name].percentile_s(_PERCENTILE)
        row = [name, milliseconds(expected_s)]
        for each in others:
            seconds = each.loads[name].percentile_s(_PERCENTILE)
            row += [f"{milliseconds(seconds)}, {seconds / expected_s:.2f}"]
        rows.append(row)
    rows.append(
        ["size of the file", *(f"{each.size_mib:,.0f} MiB" for each in measurements.values())]
    )
    memory = (f"{each.memory_mib:.0f} MiB" for each in measurements.values())
    rows.append(["memory of the service (RSS)", *memory])
    show(
        f"Duration, and its ratio to that with few events (percentile {_PERCENTILE})",
        ("request", *measurements),
        rows,
    )


def _show_sizes(folder: Path) -> None:
    pictures = {"none": None, f"{_PICTURE_BYTES // 1024} KiB each": b"\xfb" * _PICTURE_BYTES}
    rows = []
    for name, picture in pictures.items():
        path = folder / f"{name}.db"
        asyncio.run(fill_typical(path, _TYPICAL_USERS, picture))
        rows.append((name, f"{_mib(path) * 1000 / _TYPICAL_USERS:.0f} MiB"))
    show(
        "File of 1,000 users: profile, 20 events of 2 KiB, 5 follow secrets",
        ("pictures", "size"),
        rows,
    )


def _mib(file: Path) -> float:
    return file.stat().st_size / 2**20


def main(arguments: Sequence[str] = ()) -> None:
    """Run the measurement and print the result."""
    parser = argparse.ArgumentParser(prog="./scripts/benchmark growth")
    parser.add_argument(
        "--events", type=int, default=100_000, help="in the large files (default: %(default)s)"
    )
    parser.add_argument("--rounds", type=int, default=20, help="default: %(default)s")
    parser.add_argument(
        "--seconds",
        type=float,
        default=0.15,
        help="per request, file and round (default: %(default)s)",
    )
    parser.add_argument(
        "--folder",
        type=Path,
        help="keep the filled files in this folder, and use those of a run within the last day",
    )
    chosen = parser.parse_args(arguments)
    # The system's folder for temporary files can be in memory.
    (ROOT / ".dev").mkdir(exist_ok=True)
    with TemporaryDirectory(dir=ROOT / ".dev", prefix="growth-") as name:
        files = _fill_files(chosen.folder or Path(name), chosen.events)
        with _running(files) as measurements:
            for each in measurements.values():
                each.warm_up()
            # The file changes fastest, so that a busy moment of the machine affects all.
            for _, action, each in product(
                range(chosen.rounds), (*_ACTIONS, _CLEANUP), measurements.values()
            ):
                each.repeat(action, chosen.seconds)
            _show(measurements)
        _show_sizes(Path(name))
