"""Memory of the function `users` with pictures: many in one response, and concurrent requests."""

import asyncio
import json
import time
from base64 import b64encode
from collections import Counter
from functools import partial
from pathlib import Path
from uuid import UUID

import httpx
import psutil
from rich.progress import track

from scripts.benchmarks.report import console, show
from scripts.benchmarks.sample_users import SampleUsers
from scripts.local.ports import HOST
from scripts.local.services import PROJECT
from scripts.local.stack import OWN_EMULATORS, Stack, addresses
from shared.store.database import Database
from shared.store.settings import DatabaseSettings

_USERS_PER_REQUEST = (1, 20, 200)
# The concurrency of an instance of `users` in infra/services.tf.
_CONCURRENT_REQUESTS = 40
# The maximum of the contract.
_PICTURE_BYTES = 2000 * 1024


def find_worker(stack: Stack, function: str) -> int:
    """Return the process id of a function's worker, which is a child of the framework's process."""
    for process in psutil.Process(stack.pid).children(recursive=True):
        if (
            f"functions/{function}/main.py" in " ".join(process.cmdline())
            and not process.children()
        ):
            return process.pid
    raise LookupError(f"the function {function} is not running")


def peak_mib(pid: int) -> float:
    """Return the peak RSS of a process since its start, or since `reset_peak`."""
    status = Path(f"/proc/{pid}/status").read_text()
    [line] = [line for line in status.splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1]) / 1024


def reset_peak(pid: int) -> None:
    """Reset the peak RSS of a process.

    Source: proc(5), /proc/[pid]/clear_refs
    """
    Path(f"/proc/{pid}/clear_refs").write_text("5")


async def _download(address: str, ids: list[UUID], encoding: str) -> tuple[int, float]:
    """Read these users; return bytes and seconds."""
    start, size = time.perf_counter(), 0
    body = {"ids": [str(user_id) for user_id in ids]}
    async with (
        httpx.AsyncClient(timeout=300) as http,
        http.stream(
            "POST", f"{address}/v2/users", json=body, headers={"Accept-Encoding": encoding}
        ) as response,
    ):
        # Raw bytes: decompression would add the CPU time of this client to the measured time.
        async for chunk in response.aiter_raw():
            size += len(chunk)
    return size, time.perf_counter() - start


async def _get(http: httpx.AsyncClient, user_id: UUID) -> int:
    return (await http.get(f"/v2/user/{user_id}")).status_code


async def _put(http: httpx.AsyncClient, body: bytes) -> int:
    return (await http.put("/v2/user", content=body)).status_code


async def _create_profile(http: httpx.AsyncClient) -> bytes:
    """Create a user; return the body of a request that sets its profile with a picture."""
    created = (await http.post("/v2/user/create", json={})).raise_for_status().json()
    picture = b64encode(b"\xfb" * _PICTURE_BYTES).decode()
    profile = {"encryptedProfilePicture": picture, "encryptionIV": "", "rsaPublicKey": ""}
    return json.dumps({**created, **profile}).encode()


async def _measure_concurrent(address: str, pid: int, ids: list[UUID]) -> None:
    # The functions close connections that were idle for two seconds.
    limits = httpx.Limits(max_keepalive_connections=0)
    async with httpx.AsyncClient(base_url=address, timeout=120, limits=limits) as http:
        bodies = [await _create_profile(http) for _ in range(_CONCURRENT_REQUESTS)]
        requests_by_route = {
            "GET /user/{id}": [
                partial(_get, http, user_id) for user_id in ids[:_CONCURRENT_REQUESTS]
            ],
            "PUT /user": [partial(_put, http, body) for body in bodies],
        }
        rows = []
        for route, requests in requests_by_route.items():
            reset_peak(pid)
            statuses = Counter(await asyncio.gather(*(request() for request in requests)))
            outcome = ", ".join(f"{count} x {status}" for status, count in statuses.items())
            rows.append((route, outcome, f"{peak_mib(pid):.0f} MiB"))
    show(
        f"{_CONCURRENT_REQUESTS} concurrent requests, with a picture of 2,000 KiB each",
        ("request", "responses", "peak RSS of the worker"),
        rows,
    )


async def _run() -> None:
    console.print("starting a stack ...")
    rows = []
    with Stack("--isolated", "--emulators", environment=OWN_EMULATORS) as stack:
        emulator = f"{HOST}:{stack.ports.firestore}"
        users = SampleUsers(Database(DatabaseSettings(project=PROJECT, emulator_host=emulator)))
        numbers = track(
            range(max(_USERS_PER_REQUEST)), "writing pictures of 2,000 KiB", console=console
        )
        ids = [await users.create(b"\xfb" * _PICTURE_BYTES) for _ in numbers]
        address, pid = addresses(stack.ports)["users"], find_worker(stack, "users")
        for encoding in ("identity", "gzip"):
            for count in _USERS_PER_REQUEST:
                reset_peak(pid)
                size, seconds = await _download(address, ids[:count], encoding)
                rows.append(
                    (
                        str(count),
                        encoding,
                        f"{size / 2**20:.0f} MiB",
                        f"{seconds:.1f} s",
                        f"{peak_mib(pid):.0f} MiB",
                    )
                )
        await _measure_concurrent(address, pid, ids)
    show(
        "POST /users with a picture of 2,000 KiB each",
        ("users", "encoding", "response", "time", "peak RSS of the worker"),
        rows,
    )


def main() -> None:
    """Run the measurement and print the result."""
    asyncio.run(_run())
