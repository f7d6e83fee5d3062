"""Eight uploads and downloads of the largest backup at once: time, and memory of one process."""

import asyncio
import os
import subprocess
import sys
import time
from base64 import b64encode
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx

from functions.backup.handlers import MAX_BACKUP_BYTES
from scripts.benchmarks.backup_function import HEADERS, BackupFunction
from scripts.benchmarks.report import console, show
from scripts.fakes.cloud_storage import BUCKET
from scripts.local.ports import url
from scripts.local.stack import free_ports
from scripts.root import ROOT

_CONCURRENT = 8
_PIECE_BYTES = 64 * 1024
_TIMEOUT_S = 300
_POLL_INTERVAL_S = 0.05
Row = tuple[str, str, str, str]


async def upload_all(address: str, size_bytes: int) -> None:
    """Send eight different backups at once."""
    async with httpx.AsyncClient(base_url=address, timeout=_TIMEOUT_S) as http:
        responses = await asyncio.gather(
            *(
                http.post("/v2/backup", headers=HEADERS, content=_content(number, size_bytes))
                for number in range(_CONCURRENT)
            )
        )
    for response in responses:
        response.raise_for_status()


async def download_all(address: str) -> int:
    """Read eight backups at once; return the number of bytes."""
    async with httpx.AsyncClient(base_url=address, timeout=_TIMEOUT_S) as http:
        listed = (await http.get("/v2/backups", headers=HEADERS)).json()["backups"]
        sizes = await asyncio.gather(
            *(_download(http, backup["id"]) for backup in listed[:_CONCURRENT])
        )
    return sum(sizes)


async def _content(seed: int, size_bytes: int) -> AsyncIterator[bytes]:
    """Yield a body in pieces, so that this process does not hold it either."""
    piece = bytes([seed]) * _PIECE_BYTES
    for start in range(0, size_bytes, _PIECE_BYTES):
        yield piece[: size_bytes - start]


async def _download(http: httpx.AsyncClient, backup_id: str) -> int:
    size = 0
    async with http.stream("GET", f"/v2/backup/{backup_id}", headers=HEADERS) as response:
        response.raise_for_status()
        async for piece in response.aiter_raw():
            size += len(piece)
    return size


@contextmanager
def _fake_cloud_storage() -> Iterator[str]:
    """Run the fakes in their own process; yield the base URL of Cloud Storage."""
    port = free_ports().base
    process = subprocess.Popen(
        [
            sys.executable, "-m", "scripts.fakes", "--port", str(port), "--project", "p",
            "--topic", "cleanup", "--push-to", url(port),
        ],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    try:
        _wait_for(process, f"{url(port)}/health")
        yield f"{url(port)}/cloud-storage"
    finally:
        process.terminate()
        process.wait()


def _measure(place: str, settings: dict[str, str]) -> Iterator[Row]:
    with BackupFunction(settings) as function:
        before = function.peak_mib
        function.reset_peak()
        start = time.perf_counter()
        asyncio.run(upload_all(function.url, MAX_BACKUP_BYTES))
        yield _row(f"{place}, upload", start, before, function)
        function.reset_peak()
        start = time.perf_counter()
        asyncio.run(download_all(function.url))
        yield _row(f"{place}, download", start, before, function)


def _row(work: str, start: float, before: float, function: BackupFunction) -> Row:
    seconds = time.perf_counter() - start
    return work, f"{seconds:.1f} s", f"{before:.0f}", f"{function.peak_mib:.0f}"


def main() -> None:
    """Run the measurement and print the result."""
    rows: list[Row] = []
    with TemporaryDirectory() as folder, _fake_cloud_storage() as storage:
        places = {
            "folder": {"BACKUP_FOLDER": str(Path(folder) / "plain")},
            "encrypted folder": {
                "BACKUP_FOLDER": str(Path(folder) / "encrypted"),
                "BACKUP_ENCRYPTION_KEY": b64encode(bytes(32)).decode(),
            },
            "bucket": {"BACKUP_BUCKET": BUCKET, "BACKUP_STORAGE_URL": storage},
        }
        for place, settings in places.items():
            console.print(f"measuring the {place} ...")
            rows += _measure(place, settings)
    show(
        f"{_CONCURRENT} backups of {MAX_BACKUP_BYTES:,} bytes at once",
        ("place", "time", "MiB of RSS before", "peak MiB of RSS"),
        rows,
    )


def _wait_for(process: subprocess.Popen[bytes], address: str) -> None:
    while process.poll() is None:
        with suppress(httpx.TransportError):
            httpx.get(address).raise_for_status()
            return
        time.sleep(_POLL_INTERVAL_S)
    raise RuntimeError(f"the fakes ended with status {process.returncode}")
