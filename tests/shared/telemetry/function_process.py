"""Process of a function under the Functions Framework, and its log lines."""

import json
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from scripts.local.ports import url
from scripts.local.processes import Processes
from scripts.local.services import command, runtime_folder
from scripts.local.stack import free_ports
from scripts.root import ROOT

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
TRACEPARENT = {"traceparent": f"00-{TRACE}-{SPAN}-01"}
SECRET = "SECRET"  # noqa: S105 - a part of all made-up secrets
FUNCTION = Path(__file__).with_name("broken_function.py")


class FunctionProcess:
    """A running function."""

    def __init__(self, port: int, log: Path) -> None:
        self._port = port
        self._log = log

    def get(self, path: str, headers: dict[str, str] | None = None) -> int:
        """Send a request; return the status of the response."""
        return httpx.get(url(self._port) + path, headers=headers).status_code

    def entries(self, *, skip: int = 0) -> list[dict[str, Any]]:
        """Return all log lines after the first `skip`. Each must be JSON."""
        return [json.loads(line) for line in self.lines()[skip:]]

    def lines(self) -> list[str]:
        """Return all log lines."""
        return self._log.read_text().splitlines()

    def entries_of(
        self, path: str, headers: dict[str, str] | None = None, *, count: int = 1
    ) -> list[dict[str, Any]]:
        """Send a request; return its `count` log lines, which are written after the response."""
        before = len(self.lines())
        self.get(path, headers)
        deadline = time.monotonic() + 120
        while len(self.lines()) < before + count and time.monotonic() < deadline:
            time.sleep(0.01)
        return self.entries(skip=before)


@contextmanager
def running_function(folder: Path, **environment: str) -> Iterator[FunctionProcess]:
    """Run `broken_function.py` during the block; check that its log contains no secret."""
    port, log = free_ports().base, folder / "log"
    program, *arguments = command("users", port)[1:]
    arguments = [str(FUNCTION) if each.endswith("main.py") else each for each in arguments]
    settings = {
        "PYTHONPATH": str(ROOT),
        "FUNCTION_USE_ASGI": "true",
        "LOG_EXECUTION_ID": "true",
        "GOOGLE_CLOUD_PROJECT": "a-project",
        "K_SERVICE": "users",
        "K_REVISION": "users-00042-xyz",
        **environment,
    }
    with Processes() as processes:
        processes.start("the function", ["env", program, *arguments], settings, log)
        processes.wait_until_healthy(port, "/health")
        yield FunctionProcess(port, log)
        assert SECRET not in log.read_text()
    shutil.rmtree(runtime_folder(port), ignore_errors=True)
