"""The function `backup` in its own process, with its own place for backups."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Self

import httpx
import psutil

from scripts.benchmarks.memory import peak_mib, reset_peak
from scripts.local.ports import url
from scripts.local.services import command, runtime_folder
from scripts.local.stack import free_ports
from scripts.root import ROOT

KEY = "SECRET-key-of-backups"
HEADERS = {"X-API-Key": KEY}
_POLL_INTERVAL_S = 0.02


class BackupFunction:
    """The running function. `with` waits until it serves, and kills it after the block.

    Args:
        settings: name the place for backups.
    """

    def __init__(self, settings: Mapping[str, str]) -> None:
        self._port = free_ports().base
        self.url = url(self._port)
        self._process = subprocess.Popen(
            command("backup", self._port),
            env={
                **{name: value for name, value in os.environ.items() if "BACKUP_" not in name},
                "API_KEYS": KEY,
                "FUNCTION_USE_ASGI": "true",
                "LOG_FORMAT": "text",
                "PYTHONPATH": str(ROOT),
                **settings,
            },
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def __enter__(self) -> Self:
        while self._process.poll() is None:
            with suppress(httpx.TransportError):
                httpx.get(f"{self.url}/health").raise_for_status()
                return self
            time.sleep(_POLL_INTERVAL_S)
        raise RuntimeError(f"the function ended with status {self._process.returncode}")

    def __exit__(self, *_: object) -> None:
        self.kill()
        shutil.rmtree(runtime_folder(self._port), ignore_errors=True)

    def kill(self) -> None:
        """Kill the server and its worker, as a loss of power does."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def reset_peak(self) -> None:
        """Reset the peak of the memory."""
        reset_peak(self._worker)

    @property
    def peak_mib(self) -> float:
        """The peak RSS of the worker since its start or `reset_peak`."""
        return peak_mib(self._worker)

    @property
    def _worker(self) -> int:
        [worker] = psutil.Process(self._process.pid).children()
        return worker.pid
