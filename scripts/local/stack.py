"""A temporary stack for tests and benchmarks, started by `./scripts/dev`."""

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
"""The environment of a stack with its own emulators. It also needs the option `--emulators`."""

_PORTS_PER_STACK = 20
_CLAIM_OFFSET = _PORTS_PER_STACK - 1


def free_ports() -> Ports:
    """Return a block of free ports and reserve it for this process.

    This process listens on the last port of the block until it ends. So no other process takes
    the block before the stack listens on the other ports.
    """
    while True:
        ports = Ports(random.randrange(20_000, 32_000, _PORTS_PER_STACK))  # noqa: S311 - not a secret
        with (
            contextlib.suppress(OSError),
            socket.create_server((HOST, ports.base + _CLAIM_OFFSET)) as claim,
        ):
            if all(is_free(port) for port in range(ports.base, ports.base + _CLAIM_OFFSET)):
                claim.detach()
                return ports


def addresses(ports: Ports) -> dict[str, str]:
    """Return one URL per function with routes for apps."""
    return {name: url(ports.of(name)) for name in CALLED_BY_APPS}


class StackFailedError(Exception):
    """The stack did not start. The message is its output."""


class Stack:
    """A stack on free ports. `with` waits until it is ready, and ends it after the block.

    Without `--emulators` and `--data`, its database is a file in its own folder. `stop` deletes it.
    """

    def __init__(self, *options: str, environment: dict[str, str] | None = None) -> None:
        self.ports = free_ports()
        self.output: list[str] = []
        self.log = ROOT / ".dev" / f"stack-{self.ports.base}.log"
        self.log.parent.mkdir(exist_ok=True)
        self.data = self.log.with_suffix(".data")
        self._delete_data()  # left by a killed run with the same ports
        database = () if {"--emulators", "--data"} & {*options} else ("--data", str(self.data))
        with self.log.open("w") as errors:
            self._process = subprocess.Popen(
                [
                    ROOT / "scripts" / "dev",
                    "--port",
                    str(self.ports.base),
                    "--env-file",
                    os.devnull,  # tests do not use a developer's keys
                    *database,
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
        """The id of its main process, the parent of its other processes."""
        return self._process.pid

    @property
    def has_ended(self) -> bool:
        """Whether its main process ended by itself."""
        return self._process.poll() is not None

    def __enter__(self) -> Self:
        """Wait until the stack prints `ready`.

        Raises:
            StackFailedError: the stack ended.
        """
        assert self._process.stdout is not None  # noqa: S101 - stdout is a pipe
        for line in self._process.stdout:
            self.output.append(line)
            if line.startswith("ready"):
                self._listener.start()
                return self
        self._process.wait()
        raise StackFailedError("".join(self.output) + self.log.read_text())

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """End the stack with a signal and return its exit status."""
        self._process.send_signal(number)
        status = self._process.wait(timeout=300)
        # The listener ends with the pipe. Without the join, lines of the output could be missing.
        self._listener.join()
        emulators = {FIRESTORE: self.ports.firestore, PUBSUB: self.ports.pubsub}
        for log in (self.log, *(each.log(port) for each, port in emulators.items())):
            log.unlink(missing_ok=True)
        self._delete_data()
        for name in FUNCTIONS:
            shutil.rmtree(runtime_folder(self.ports.of(name)), ignore_errors=True)
        return status

    def _delete_data(self) -> None:
        shutil.rmtree(self.data, ignore_errors=True)

    def _listen(self) -> None:
        """Read the output until the end. A full pipe would block the stack."""
        if self._process.stdout is not None:
            with self._process.stdout as lines:
                self.output.extend(lines)
