"""Start of `./scripts/dev` and `./scripts/serve`: time to ready, memory and CPU when idle."""

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import httpx
import psutil

from scripts.benchmarks.processes import cpu_s, memory_mib
from scripts.benchmarks.report import console, show
from scripts.local.ports import url
from scripts.local.stack import Stack, free_ports
from scripts.root import ROOT

_RUNS = 5
_SETTLE_S = 2
_IDLE_S = 20
# Variables of a developer would choose another database or configure providers.
_PREFIXES = ("APPLE_", "DATABASE_", "FIRESTORE_", "GOOGLE_", "OPENAI_", "REVENUECAT_", "WEB_")


@contextmanager
def _dev(folder: Path) -> Iterator[int]:
    with Stack("--data", str(folder)) as stack:
        yield stack.pid


@contextmanager
def _serve(folder: Path) -> Iterator[int]:
    port = free_ports().base
    process = subprocess.Popen(
        [ROOT / "scripts" / "serve", "--data", str(folder), "--port", str(port)],
        env={name: value for name, value in os.environ.items() if not name.startswith(_PREFIXES)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        while process.poll() is None:
            with suppress(httpx.HTTPError):
                httpx.get(f"{url(port)}/health/ready", timeout=1).raise_for_status()
                yield process.pid
                return
            # The interval limits the error of the measured time.
            time.sleep(0.005)
        raise RuntimeError(f"./scripts/serve ended with status {process.returncode}")
    finally:
        process.terminate()
        process.wait()


_COMMANDS = {"./scripts/dev": _dev, "./scripts/serve": _serve}


def _processes(pid: int) -> list[psutil.Process]:
    return [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]


def _idle(pid: int) -> tuple[str, str]:
    """Return the memory of an idle server and its CPU use, with all of its processes."""
    time.sleep(_SETTLE_S)
    processes = _processes(pid)
    before = cpu_s(processes)
    time.sleep(_IDLE_S)
    share = (cpu_s(processes) - before) / _IDLE_S
    return f"{memory_mib(processes):.0f} MiB", f"{share:.2%}"


def _measure(command: str, folder: Path) -> tuple[str, ...]:
    seconds, cpu_seconds = [], []
    idle: tuple[str, ...] = ()
    for number in range(_RUNS + 1):
        start = time.perf_counter()
        with _COMMANDS[command](folder) as pid:
            seconds.append(time.perf_counter() - start)
            cpu_seconds.append(cpu_s(_processes(pid)))
            if number == _RUNS:
                idle = _idle(pid)
    first, *later = seconds
    return (
        command,
        f"{first:.2f} s",
        f"{median(later):.2f} s",
        f"{median(cpu_seconds):.2f} s",
        *idle,
    )


def main() -> None:
    """Run the measurement and print the result."""
    rows = []
    (ROOT / ".dev").mkdir(exist_ok=True)
    for command in _COMMANDS:
        console.print(f"starting {command} {_RUNS + 1} times ...")
        # The system's folder for temporary files can be in memory.
        with TemporaryDirectory(dir=ROOT / ".dev", prefix="start-") as folder:
            rows.append(_measure(command, Path(folder)))
    show(
        f"Start to ready with a new file, and with an existing one (median of {_RUNS}); CPU time "
        f"of a start; RSS of all processes; CPU without requests, for {_IDLE_S} s",
        ("command", "first", "later", "CPU", "RSS", "idle CPU"),
        rows,
    )
