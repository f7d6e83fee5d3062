"""The processes of a stack: start, watch and end them together."""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Self

import httpx

from scripts.local.interruptions import interruptions_held
from scripts.local.ports import url

# Java and the imports of seven services can take minutes on a busy machine.
_START_TIMEOUT_S = 300
_TERMINATE_TIMEOUT_S = 3.5
_KILL_TIMEOUT_S = 1
_POLL_INTERVAL_S = 0.05


class ProgramEndedError(Exception):
    """A process of the stack ended. The message names it and its log file."""


class Processes:
    """Processes, each in its own process group, so that its children end with it."""

    def __init__(self) -> None:
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._logs: dict[str, Path] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """End all processes: SIGTERM, and SIGKILL after 3.5 s."""
        self._end(list(self._running.values()), _TERMINATE_TIMEOUT_S)

    def end(self, names: Iterable[str], timeout_s: float) -> None:
        """End these processes, if they run: SIGTERM, and SIGKILL after `timeout_s`."""
        ending = {name: self._running[name] for name in names if name in self._running}
        self._end([*ending.values()], timeout_s)
        # Only now: an interruption during the wait must not lose a process.
        for name in ending:
            del self._running[name]

    def _end(self, ending: Sequence[subprocess.Popen[bytes]], timeout_s: float) -> None:
        for process in ending:
            _signal(process, signal.SIGTERM)
        deadline = time.monotonic() + timeout_s
        for process in ending:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(max(0, deadline - time.monotonic()))
            # Also for an ended process: its group can still have children.
            _signal(process, signal.SIGKILL)
            # A signal inside `Popen.wait` can leave its lock held. Then `wait` never returns.
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_KILL_TIMEOUT_S)

    def start(
        self,
        name: str,
        command: Sequence[str],
        environment: Mapping[str, str],
        log: Path | None = None,
        folder: Path | None = None,
    ) -> None:
        """Start a process in `folder`. Its output goes to `log`; None: to our own output."""
        output = None if log is None else log.open("wb")
        try:
            with interruptions_held():
                self._running[name] = subprocess.Popen(
                    command,
                    env={**os.environ, **environment},
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=None if output is None else subprocess.STDOUT,
                    # A signal to the group then reaches the children of the process too.
                    start_new_session=True,
                    cwd=folder,
                )
        finally:
            if output is not None:
                output.close()
        if log is not None:
            self._logs[name] = log

    def wait_until_healthy(self, port: int, path: str = "/") -> None:
        """Wait until a server responds on `port`.

        Raises:
            ProgramEndedError: a process ended, or no server responded within 300 s.
        """
        deadline = time.monotonic() + _START_TIMEOUT_S
        # One client: each new one reads all root certificates, which takes 30 ms.
        with httpx.Client(timeout=2) as http:
            while time.monotonic() < deadline:
                self.check()
                try:
                    http.get(url(port) + path)
                # Any response counts: an error status also shows that the service listens.
                except httpx.TransportError:
                    time.sleep(_POLL_INTERVAL_S)
                else:
                    return
        raise ProgramEndedError(f"no response on port {port} within {_START_TIMEOUT_S} s")

    def wait(self) -> None:
        """Watch the processes until a signal interrupts this one.

        Raises:
            ProgramEndedError: a process ended.
        """
        while True:
            self.check()
            time.sleep(0.2)

    def check(self) -> None:
        """Raise ProgramEndedError if a process ended."""
        for name in self.ended(self._running):
            log = self._logs.get(name)
            where = f"; its log is {log}" if log else ""
            status = self._running[name].returncode
            raise ProgramEndedError(f"{name} ended with status {status}{where}")

    def ended(self, names: Iterable[str]) -> list[str]:
        """Return those of `names` that have ended."""
        return [name for name in names if self._has_ended(name)]

    def _has_ended(self, name: str) -> bool:
        process = self._running.get(name)
        return process is not None and process.poll() is not None


def _signal(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    # The process can end between the check and the signal.
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, number)
