"""What the function `users` holds in memory while it moves pictures: many, and for many at once."""

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
from scripts.benchmarks.seeds import Seeds
from scripts.local.ports import HOST
from scripts.local.services import PROJECT
from scripts.local.stack import OWN_EMULATORS, Stack, addresses
from shared.store.database import Database
from shared.store.settings import DatabaseSettings

_COUNTS = (1, 20, 200)
_AT_ONCE = 40
_PICTURE_BYTES = 2000 * 1024


def worker(stack: Stack, function: str) -> int:
    """Return the process that serves `function`: the framework's child."""
    for process in psutil.Process(stack.pid).children(recursive=True):
        if (
            f"functions/{function}/main.py" in " ".join(process.cmdline())
            and not process.children()
        ):
            return process.pid
    raise LookupError(f"the function {function} does not run")


def peak_mib(pid: int) -> float:
    """Return the most that a process has held since it began, or since `forget_peak`."""
    status = Path(f"/proc/{pid}/status").read_text()
    [line] = [line for line in status.splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1]) / 1024


def forget_peak(pid: int) -> None:
    """Let a process's peak begin anew."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")


async def _download(address: str, ids: list[UUID], encoding: str) -> tuple[int, float]:
    """Read these users and throw them away; return bytes and seconds."""
    start, size = time.perf_counter(), 0
    body = {"ids": [str(user_id) for user_id in ids]}
    async with (
        httpx.AsyncClient(timeout=300) as http,
        http.stream(
            "POST", f"{address}/v2/users", json=body, headers={"Accept-Encoding": encoding}
        ) as answer,
    ):
        async for chunk in answer.aiter_raw():
            size += len(chunk)
    return size, time.perf_counter() - start


async def _get(http: httpx.AsyncClient, user_id: UUID) -> int:
    return (await http.get(f"/v2/user/{user_id}")).status_code


async def _put(http: httpx.AsyncClient, body: bytes) -> int:
    return (await http.put("/v2/user", content=body)).status_code


async def _new_profile(http: httpx.AsyncClient) -> bytes:
    """Create a user; return the request that gives it a profile with a picture."""
    created = (await http.post("/v2/user/create", json={})).raise_for_status().json()
    picture = b64encode(b"\xfb" * _PICTURE_BYTES).decode()
    profile = {"encryptedProfilePicture": picture, "encryptionIV": "", "rsaPublicKey": ""}
    return json.dumps({**created, **profile}).encode()


async def _crowd(address: str, pid: int, ids: list[UUID]) -> None:
    limits = httpx.Limits(max_keepalive_connections=0)
    async with httpx.AsyncClient(base_url=address, timeout=120, limits=limits) as http:
        bodies = [await _new_profile(http) for _ in range(_AT_ONCE)]
        crowds = {
            "GET /user/{id}": [partial(_get, http, user_id) for user_id in ids[:_AT_ONCE]],
            "PUT /user": [partial(_put, http, body) for body in bodies],
        }
        rows = []
        for what, requests in crowds.items():
            forget_peak(pid)
            statuses = Counter(await asyncio.gather(*(request() for request in requests)))
            outcome = ", ".join(f"{count} x {status}" for status, count in statuses.items())
            rows.append((what, outcome, f"{peak_mib(pid):.0f} MiB"))
    show(
        f"{_AT_ONCE} at once, with a picture of 2,000 KiB each",
        ("request", "answers", "peak RSS of the worker"),
        rows,
    )


async def _run() -> None:
    console.print("starting a stack ...")
    rows = []
    with Stack("--isolated", environment=OWN_EMULATORS) as stack:
        emulator = f"{HOST}:{stack.ports.firestore}"
        seeds = Seeds(Database(DatabaseSettings(project=PROJECT, emulator_host=emulator)))
        numbers = track(range(max(_COUNTS)), "storing pictures of 2,000 KiB", console=console)
        ids = [await seeds.user(b"\xfb" * _PICTURE_BYTES) for _ in numbers]
        address, pid = addresses(stack.ports)["users"], worker(stack, "users")
        for encoding in ("identity", "gzip"):
            for count in _COUNTS:
                forget_peak(pid)
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
        await _crowd(address, pid, ids)
    show(
        "POST /users with a picture of 2,000 KiB each",
        ("users", "encoding", "answer", "took", "peak RSS of the worker"),
        rows,
    )


def main() -> None:
    """Measure and print."""
    asyncio.run(_run())
