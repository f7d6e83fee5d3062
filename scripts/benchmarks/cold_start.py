"""Cold start of every service: from the start of its process to the first answers."""

import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress

import httpx
import psutil

from scripts.benchmarks.report import console, show
from scripts.local.ports import SERVICES, url
from scripts.local.services import Emulators, command, environment, runtime_folder
from scripts.local.stack import OWN_EMULATORS, Stack, free_ports

_RUNS = 5
_FIRST_WITH_STORE = {
    "users": ("GET", "/v2/user/abcdefghijkl", None),
    "events": (
        "POST",
        "/v2/events",
        {
            "users": [
                {
                    "userId": "00000000-0000-4000-8000-000000000000",
                    "followSecret": "s",
                    "since": "2000-01-01T00:00:00Z",
                }
            ]
        },
    ),
    "social": (
        "PUT",
        "/v2/inbox",
        {"toUserId": "00000000-0000-4000-8000-000000000000", "encryptedMessage": ["AAAA"]},
    ),
    "sharing": ("GET", "/v2/shareditem/abcdefghijkl", None),
    # Refused after a look at what Firestore knows of the token, and a call to the store.
    "ai": ("POST", "/v2/ai/session", {}),
    "chat": ("POST", "/v2/ai-chat/negotiate", None),
    "cleanup": (
        "POST",
        "/",
        {"message": {"messageId": "1", "publishTime": "2026-01-01T00:00:00Z"}},
    ),
}
_NOBODY = "http://127.0.0.1:9"
_COMPARED = ("users", "chat")
_SETTLE_S = 2
_HEADERS = {
    "Authorization": "RevenueCat nobody",
    "ce-id": "1",
    "ce-source": "//pubsub.googleapis.com/projects/p/topics/t",
    "ce-specversion": "1.0",
    "ce-type": "google.cloud.pubsub.topic.v1.messagePublished",
}


def _once(
    function: str, emulators: Emulators, fakes: str, export: str = "off", settle_s: float = 0
) -> tuple[float, float, float]:
    """Return seconds to the first answer, seconds to the first from the store, and MiB of RSS.

    The last is taken `settle_s` later. What is exported goes where nobody listens.
    """
    port = free_ports().base
    method, path, body = _FIRST_WITH_STORE[function]
    started = time.perf_counter()
    process = subprocess.Popen(
        command(function, port),
        env={
            **os.environ,
            **environment(emulators, fakes),
            "PYTHONDONTWRITEBYTECODE": "",
            "TELEMETRY_EXPORT": export,
            "OTEL_EXPORTER_OTLP_ENDPOINT": _NOBODY,
        },
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        while True:
            with suppress(httpx.TransportError):
                httpx.get(url(port) + "/health").raise_for_status()
                break
            time.sleep(0.005)
        healthy = time.perf_counter() - started
        first = httpx.request(method, url(port) + path, json=body, headers=_HEADERS, timeout=30)
        if first.is_server_error:
            raise RuntimeError(f"{function} answered {first.status_code}: {first.text}")
        answered = time.perf_counter() - started
        time.sleep(settle_s)
        family = [psutil.Process(process.pid), *psutil.Process(process.pid).children()]
        return healthy, answered, family[-1].memory_info().rss / 2**20
    finally:
        process.terminate()
        process.wait()
        shutil.rmtree(runtime_folder(port), ignore_errors=True)


def _medians(runs: Sequence[tuple[float, float, float]]) -> tuple[str, str, str]:
    healthy, answered, rss = (statistics.median(column) for column in zip(*runs, strict=True))
    return f"{healthy:.2f} s", f"{answered:.2f} s", f"{rss:.0f} MiB"


def main() -> None:
    """Measure and print."""
    console.print("starting a stack for its emulator ...")
    rows, compared = [], []
    with Stack(environment=OWN_EMULATORS) as stack:
        emulators, fakes = Emulators.of(stack.ports), url(stack.ports.fakes)
        for function in SERVICES:
            console.print(f"starting {function} {_RUNS} times ...")
            runs = [_once(function, emulators, fakes) for _ in range(_RUNS)]
            rows.append((function, *_medians(runs)))
        for function in _COMPARED:
            console.print(f"starting {function} {2 * _RUNS} times, with an export and without ...")
            by_export: dict[str, list[tuple[float, float, float]]] = {"off": [], "otlp": []}
            for _ in range(_RUNS):  # by turns: the machine is not always equally busy
                for export, runs in by_export.items():
                    runs.append(_once(function, emulators, fakes, export, _SETTLE_S))
            compared += [
                (f"{function}, {export}", *_medians(runs)) for export, runs in by_export.items()
            ]
    version = f"Python {sys.version_info.major}.{sys.version_info.minor}"
    show(
        f"Cold start, median of {_RUNS}, {version}",
        ("service", "first answer", "first from the store", "RSS of the worker"),
        rows,
    )
    show(
        f"The same with and without TELEMETRY_EXPORT; RSS after {_SETTLE_S} s",
        ("service", "first answer", "first from the store", "RSS of the worker"),
        compared,
    )
