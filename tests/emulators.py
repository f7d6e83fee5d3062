"""A second stack of the test run, on Google's emulators. It starts when a test needs it."""

import json
import threading
import time
from functools import cache
from pathlib import Path

from scripts.local.ports import HOST, Ports
from scripts.local.services import PROJECT, Emulators
from scripts.local.stack import OWN_EMULATORS, Stack, StackFailedError
from shared.store.settings import DatabaseSettings
from tests import shared_results

_REQUESTED, _STARTED = "emulators-requested", "emulators-started.json"


class EmulatorStack:
    """The stack, which the main process owns. Any process of the test run may request it."""

    def __init__(self, environment: dict[str, str]) -> None:
        self._environment = {**environment, **OWN_EMULATORS}
        self._stack: Stack | None = None
        self._is_ending = threading.Event()
        self._thread = threading.Thread(target=self._start_when_requested, daemon=True)
        self._thread.start()

    def log(self) -> str:
        """Return the log of its processes."""
        return self._stack.log.read_text(errors="replace") if self._stack else ""

    def stop(self) -> None:
        """Stop the stack, if it started."""
        self._is_ending.set()
        self._thread.join()
        if self._stack is not None:
            self._stack.stop()

    def _start_when_requested(self) -> None:
        while not _file(_REQUESTED).exists():
            if self._is_ending.wait(0.1):
                return
        stack = Stack("--emulators", environment=self._environment)
        try:
            self._stack = stack.__enter__()
            result: dict[str, object] = {"port": stack.ports.base}
        except StackFailedError as error:
            result = {"error": str(error)}
        unfinished = _file(f"{_STARTED}.unfinished")
        unfinished.write_text(json.dumps(result))
        unfinished.rename(_file(_STARTED))


def request_start() -> None:
    """Request the start of the stack. Does not wait for it."""
    _file(_REQUESTED).touch()


@cache
def ports() -> Ports:
    """Wait until the stack is ready; return its ports."""
    request_start()
    while not _file(_STARTED).exists():
        time.sleep(0.05)
    result = json.loads(_file(_STARTED).read_text())
    assert "port" in result, result["error"]
    return Ports(result["port"])


def emulators() -> Emulators:
    """Return the addresses of the emulators."""
    return Emulators.of(ports())


def firestore_settings(project: str = PROJECT) -> DatabaseSettings:
    """Return settings for a project on the Firestore emulator. Its first use creates it."""
    host = f"{HOST}:{ports().firestore}"
    return DatabaseSettings(file=None, project=project, emulator_host=host)


def _file(name: str) -> Path:
    return shared_results.folder() / name
