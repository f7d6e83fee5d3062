"""A stack for as long as a test run or a measurement needs it, started by `./scripts/dev`."""

import contextlib
import os
import random
import shutil
import signal
import socket
import subprocess
import threading
from typing import Self

from scripts.local.emulator import FIRESTORE, PUBSUB
from scripts.local.ports import CALLED_BY_APPS, FUNCTIONS, HOST, Ports, is_free, url
from scripts.local.services import PROJECT, runtime_folder
from scripts.root import ROOT

OWN_EMULATORS = {"FIRESTORE_EMULATOR_HOST": "", "PUBSUB_EMULATOR_HOST": ""}
"""The environment of a stack that uses no emulators of another's."""

_BLOCK = 20
_LAST = _BLOCK - 1


def free_ports() -> Ports:
    """Return ports that nothing listens on, and that are given to nobody else.

    The last of the block is listened on until this process ends: that is what makes it ours, also
    while whatever is to use the others has not begun to.
    """
    while True:
        ports = Ports(random.randrange(20_000, 32_000, _BLOCK))  # noqa: S311 - not a secret
        with (
            contextlib.suppress(OSError),
            socket.create_server((HOST, ports.base + _LAST)) as claim,
        ):
            if all(is_free(port) for port in range(ports.base, ports.base + _LAST)):
                claim.detach()
                return ports


def addresses(ports: Ports) -> dict[str, str]:
    """Return one URL per function that apps call."""
    return {name: url(ports.of(name)) for name in CALLED_BY_APPS}


class StackFailedError(Exception):
    """The stack did not start; the message is what it said."""


class Stack:
    """A stack on free ports; `with` starts it, waits until it is ready, and ends it."""

    def __init__(self, *options: str, environment: dict[str, str] | None = None) -> None:
        self.ports = free_ports()
        self.said: list[str] = []
        self.log = ROOT / ".dev" / f"stack-{self.ports.base}.log"
        self.log.parent.mkdir(exist_ok=True)
        with self.log.open("w") as errors:
            self._process = subprocess.Popen(
                [
                    ROOT / "scripts" / "dev",
                    "--port",
                    str(self.ports.base),
                    "--env-file",
                    os.devnull,  # a developer's keys are not for tests
                    *options,
                ],
                env={**os.environ, "GOOGLE_CLOUD_PROJECT": PROJECT, **(environment or {})},
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )
        self._listener = threading.Thread(target=self._listen, daemon=True)

    @property
    def pid(self) -> int:
        """Its process; everything else that it starts is below."""
        return self._process.pid

    def __enter__(self) -> Self:
        """Return once it says `ready`.

        Raises:
            StackFailedError: it ended instead.
        """
        assert self._process.stdout is not None  # noqa: S101 - we asked for a pipe
        for line in self._process.stdout:
            self.said.append(line)
            if line.startswith("ready"):
                self._listener.start()
                return self
        self._process.wait()
        raise StackFailedError("".join(self.said) + self.log.read_text())

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """End it with a signal, unless it has ended; return its exit status."""
        self._process.send_signal(number)
        status = self._process.wait(timeout=300)
        self._listener.join()
        emulators = {FIRESTORE: self.ports.firestore, PUBSUB: self.ports.pubsub}
        for log in (self.log, *(each.log(port) for each, port in emulators.items())):
            log.unlink(missing_ok=True)
        for name in FUNCTIONS:
            shutil.rmtree(runtime_folder(self.ports.of(name)), ignore_errors=True)
        return status

    def _listen(self) -> None:
        """Read on until the end: a pipe that nobody reads fills up and stops who writes into it."""
        if self._process.stdout is not None:
            with self._process.stdout as lines:
                self.said.extend(lines)
