"""Cold start of each service: the time from the start of its process to its first responses."""

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
from scripts.fakes.cloud_storage import BUCKET
from scripts.fakes.settings import WEB_KEY
from scripts.local.ports import SERVICES, url
from scripts.local.services import Emulators, command, environment, runtime_folder
from scripts.local.stack import OWN_EMULATORS, Stack, free_ports

_RUNS = 5
# A request of each service that reads the database.
_FIRST_REQUESTS = {
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
    # Rejected after a read of the cached purchase and a request to the purchase provider.
    "ai": ("POST", "/v2/ai/session", {}),
    "chat": ("POST", "/v2/ai-chat/negotiate", None),
    "cleanup": (
        "POST",
        "/",
        {"message": {"messageId": "1", "publishTime": "2026-01-01T00:00:00Z"}},
    ),
    "backup": ("GET", "/v2/backups", None),
}
# No server uses the port of the discard protocol.
_UNREACHABLE = "http://127.0.0.1:9"
_COMPARED = ("users", "chat")
_SETTLE_S = 2
_HEADERS = {
    "Authorization": "RevenueCat unknown",
    "X-API-Key": WEB_KEY,
    "ce-id": "1",
    "ce-source": "//pubsub.googleapis.com/projects/p/topics/t",
    "ce-specversion": "1.0",
    "ce-type": "google.cloud.pubsub.topic.v1.messagePublished",
}


def _start(
    function: str, emulators: Emulators, fakes: str, export: str = "off", settle_s: float = 0
) -> tuple[float, float, float]:
    """Return seconds to the first response, seconds to the first from the database, and MiB of RSS.

    RSS is read `settle_s` later. Exported telemetry goes to an address without a server.
    """
    port = free_ports().base
    method, path, body = _FIRST_REQUESTS[function]
    started = time.perf_counter()
    process = subprocess.Popen(
        command(function, port),
        env={
            **os.environ,
            **environment(emulators, fakes),
            # As on Google Cloud: the place of backups is a bucket.
            "BACKUP_FOLDER": "",
            "BACKUP_BUCKET": BUCKET,
            "BACKUP_STORAGE_URL": f"{fakes}/cloud-storage",
            # Empty: Python keeps bytecode, so only the first start compiles the modules.
            "PYTHONDONTWRITEBYTECODE": "",
            "TELEMETRY_EXPORT": export,
            "OTEL_EXPORTER_OTLP_ENDPOINT": _UNREACHABLE,
        },
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        while True:
            with suppress(httpx.TransportError):
                httpx.get(url(port) + "/health").raise_for_status()
                break
            # The interval limits the error of the measured time.
            time.sleep(0.005)
        healthy = time.perf_counter() - started
        first = httpx.request(method, url(port) + path, json=body, headers=_HEADERS, timeout=30)
        if first.is_server_error:
            raise RuntimeError(f"{function} returned {first.status_code}: {first.text}")
        responded = time.perf_counter() - started
        time.sleep(settle_s)
        # The framework serves in a child process; the chat has none.
        processes = [psutil.Process(process.pid), *psutil.Process(process.pid).children()]
        return healthy, responded, processes[-1].memory_info().rss / 2**20
    finally:
        process.terminate()
        process.wait()
        shutil.rmtree(runtime_folder(port), ignore_errors=True)


def _format_medians(runs: Sequence[tuple[float, float, float]]) -> tuple[str, str, str]:
    healthy, responded, rss = (statistics.median(column) for column in zip(*runs, strict=True))
    return f"{healthy:.2f} s", f"{responded:.2f} s", f"{rss:.0f} MiB"


def main() -> None:
    """Run the measurement and print the result."""
    console.print("starting a stack for its emulator ...")
    rows, compared = [], []
    with Stack("--emulators", environment=OWN_EMULATORS) as stack:
        emulators, fakes = Emulators.of(stack.ports), url(stack.ports.fakes)
        for function in SERVICES:
            console.print(f"starting {function} {_RUNS} times ...")
            runs = [_start(function, emulators, fakes) for _ in range(_RUNS)]
            rows.append((function, *_format_medians(runs)))
        for function in _COMPARED:
            console.print(f"starting {function} {2 * _RUNS} times, with and without an export ...")
            by_export: dict[str, list[tuple[float, float, float]]] = {"off": [], "otlp": []}
            for _ in range(_RUNS):  # alternating, so that a busy moment affects both
                for export, runs in by_export.items():
                    runs.append(_start(function, emulators, fakes, export, _SETTLE_S))
            compared += [
                (f"{function}, {export}", *_format_medians(runs))
                for export, runs in by_export.items()
            ]
    version = f"Python {sys.version_info.major}.{sys.version_info.minor}"
    show(
        f"Cold start, median of {_RUNS}, {version}",
        ("service", "first response", "first from the database", "RSS of the worker"),
        rows,
    )
    show(
        f"The same with and without TELEMETRY_EXPORT; RSS after {_SETTLE_S} s",
        ("service", "first response", "first from the database", "RSS of the worker"),
        compared,
    )
