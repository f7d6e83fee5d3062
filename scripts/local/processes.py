"""The programs of a stack: started together, watched together, and none left behind."""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

import httpx

from scripts.local.interruptions import interruptions_held
from scripts.local.ports import url

_READY_WITHIN_S = 300
_END_WITHIN_S = 3.5
_DEAD_WITHIN_S = 1


class ProgramEndedError(Exception):
    """A program that should run has ended; the message says which and where its log is."""


class Processes:
    """Programs, each in a group of its own, so that its children end with it."""

    def __init__(self) -> None:
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._logs: dict[str, Path] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """End everything that was started: politely first, after 3.5 s by force."""
        for process in self._running.values():
            _signal(process, signal.SIGTERM)
        deadline = time.monotonic() + _END_WITHIN_S
        for process in self._running.values():
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(max(0, deadline - time.monotonic()))
            _signal(process, signal.SIGKILL)
            # A signal in an unlucky moment leaves it locked by the library, for good.
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_DEAD_WITHIN_S)

    def start(
        self,
        name: str,
        command: Sequence[str],
        environment: Mapping[str, str],
        log: Path | None = None,
        folder: Path | None = None,
    ) -> None:
        """Start a program in `folder`; what it says goes to `log`, or to our own output."""
        output = None if log is None else log.open("wb")
        try:
            with interruptions_held():
                self._running[name] = subprocess.Popen(
                    command,
                    env={**os.environ, **environment},
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=None if output is None else subprocess.STDOUT,
                    start_new_session=True,
                    cwd=folder,
                )
        finally:
            if output is not None:
                output.close()
        if log is not None:
            self._logs[name] = log

    def wait_until_healthy(self, port: int, path: str = "/") -> None:
        """Return once something answers on `port`.

        Raises:
            ProgramEndedError: one of the programs ended instead, or nothing answered in 300 s.
        """
        deadline = time.monotonic() + _READY_WITHIN_S
        while time.monotonic() < deadline:
            self.check()
            try:
                httpx.get(url(port) + path, timeout=2)
            except httpx.TransportError:
                time.sleep(0.1)
            else:
                return
        raise ProgramEndedError(f"nothing answered on port {port} within {_READY_WITHIN_S} s")

    def wait(self) -> None:
        """Return never, unless by a signal.

        Raises:
            ProgramEndedError: one of the programs ended.
        """
        while True:
            self.check()
            time.sleep(0.2)

    def check(self) -> None:
        """Raise ProgramEndedError if one of the programs has ended."""
        for name, process in self._running.items():
            if process.poll() is not None:
                log = self._logs.get(name)
                where = f"; its log is {log}" if log else ""
                raise ProgramEndedError(f"{name} ended with status {process.returncode}{where}")


def _signal(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, number)
