"""A self-hosted server in its own process, as `./scripts/serve` starts it."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import httpx

from scripts.client.api import Api
from scripts.local.ports import CALLED_BY_APPS, HOST, url
from scripts.local.stack import free_ports
from scripts.root import ROOT
from scripts.self_hosted import __main__ as command_line
from tests import in_process, stack

_NOT_AT_HOME = (
    "API_KEYS",
    "APPLE_",
    "BACKUP_",
    "DATABASE_",
    "FIRESTORE_EMULATOR_",
    "FORWARD_AUTH_",
    "GOOGLE_",
    "LOG_",
    "OPENAI_",
    "PUBSUB_",
    "REVENUECAT_",
    "WEB_",
)
"""The beginnings of variables that the test run or a developer has set."""

_TIMEOUT_S = 300


@dataclass(frozen=True)
class RunningServer:
    """A server that is ready."""

    process: subprocess.Popen[bytes]
    port: int
    log_file: Path

    @property
    def url(self) -> str:
        """The base URL of all routes."""
        return url(self.port)

    @property
    def log(self) -> str:
        """The log so far."""
        return self.log_file.read_text()

    def api(self, http: httpx.AsyncClient) -> Api:
        """Return the reference client of the server."""
        return Api(dict.fromkeys(CALLED_BY_APPS, self.url), http)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal; return the exit status."""
        self.process.send_signal(number)
        return self.process.wait(_TIMEOUT_S)


class Installation:
    """A data folder, and the environment of its servers."""

    def __init__(self, data: Path) -> None:
        self.data = data

    def run(self, *options: str) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        return subprocess.run(
            self._command(*options),
            env=_environment({}),
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_S,
            check=False,
        )

    def fail_to_start(self, *options: str, **settings: str) -> subprocess.CompletedProcess[str]:
        """Start a server that does not begin to serve, in this process."""
        return in_process.run(
            command_line.main,
            "--data",
            str(self.data),
            *options,
            environment=_environment(settings),
        )

    @contextmanager
    def serve(self, **settings: str) -> Iterator[RunningServer]:
        """Serve during the block."""
        port = free_ports().base
        command = self._command("--host", HOST, "--port", str(port))
        with run_server(command, port, _environment(settings)) as server:
            yield server

    def _command(self, *options: str) -> list[str]:
        return [sys.executable, "-m", "scripts.self_hosted", "--data", str(self.data), *options]


@contextmanager
def run_server(
    command: Sequence[str], port: int, environment: Mapping[str, str], folder: Path = ROOT
) -> Iterator[RunningServer]:
    """Run a command that serves on `port` during the block."""
    log = stack.log_folder() / f"self-hosted-{uuid4().hex[:8]}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            env=environment,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
    server = RunningServer(process, port, log)
    try:
        _wait_until_ready(server)
        yield server
    finally:
        process.kill()
        process.wait()


def _environment(settings: dict[str, str]) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_NOT_AT_HOME)}
    return {**kept, **settings}


def _wait_until_ready(server: RunningServer) -> None:
    deadline = time.monotonic() + _TIMEOUT_S
    while time.monotonic() < deadline:
        assert server.process.poll() is None, server.log
        try:
            if httpx.get(f"{server.url}/health/ready", timeout=10).is_success:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.02)
    raise AssertionError(server.log)
