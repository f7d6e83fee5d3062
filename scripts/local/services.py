"""The processes of the services: their commands and their environment."""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from scripts.fakes.settings import local_services
from scripts.local.ports import FUNCTIONS, HOST, SERVICES, Ports
from scripts.local.processes import Processes
from scripts.local.storage import FILE, HasEnvironment, backups_beside
from scripts.root import ROOT

PROJECT = "liftlog-local"


def command(service: str, port: int) -> list[str]:
    """Return the command that serves a function or service on `port`."""
    if service not in FUNCTIONS:
        where = [f"CHAT_HOST={HOST}", f"PORT={port}"]
        return ["env", *where, sys.executable, "-m", f"functions.{service}"]
    # One folder per port: two functions must not share the control socket of gunicorn.
    folder = runtime_folder(port)
    folder.mkdir(parents=True, exist_ok=True)
    return [
        "env", f"XDG_RUNTIME_DIR={folder}",
        str(Path(sys.executable).with_name("functions-framework")),
        "--source", str(ROOT / "functions" / service / "main.py"),
        "--target", "main",
        "--host", HOST,
        "--port", str(port),
    ]  # fmt: skip


@dataclass(frozen=True)
class Program:
    """A process that serves one service, or all."""

    name: str
    command: list[str]
    environment: dict[str, str]
    port: int

    def start(self, processes: Processes) -> None:
        """Start it."""
        processes.start(self.name, self.command, self.environment)

    def wait(self, processes: Processes) -> None:
        """Wait until it serves. Raises ProgramEndedError."""
        processes.wait_until_healthy(self.port, "/health")


def programs(ports: Ports, environment: Mapping[str, str], *, isolated: bool) -> list[Program]:
    """Return the programs that serve all services: one process per service, or one for all."""
    if not isolated:
        gateway = [sys.executable, "-m", "scripts.local.gateway", "--port", str(ports.base)]
        return [Program("the gateway", gateway, {**environment}, ports.base)]
    # The platform sets K_SERVICE. Log lines and metrics take the name of the service from it.
    return [
        Program(
            name,
            command(name, ports.of(name)),
            {**environment, "K_SERVICE": name},
            ports.of(name),
        )
        for name in SERVICES
    ]


def runtime_folder(port: int) -> Path:
    """Return the folder for the server's control socket. The default is the user's home."""
    return ROOT / ".dev" / f"run-{port}"


@dataclass(frozen=True)
class Emulators:
    """The addresses of the emulators, as `host:port`, and the topic of the cleanup."""

    firestore: str
    pubsub: str
    topic: str = "cleanup"

    @classmethod
    def of(cls, ports: Ports) -> Self:
        """Return the emulators of a stack on its own ports."""
        return cls(f"{HOST}:{ports.firestore}", f"{HOST}:{ports.pubsub}")

    @property
    def environment(self) -> dict[str, str]:
        """The environment variables that point a process to the emulators."""
        return {"FIRESTORE_EMULATOR_HOST": self.firestore, "PUBSUB_EMULATOR_HOST": self.pubsub}


def project() -> str:
    """Return the name of the local project."""
    return os.environ.get("GOOGLE_CLOUD_PROJECT") or PROJECT


def environment(storage: HasEnvironment, fakes: str | None = None) -> dict[str, str]:
    """Return the environment variables of a service.

    With `fakes`, the base URL of the fakes, they replace each third party without a key in the
    environment.
    """
    return {
        **(local_services(os.environ, fakes) if fakes else {}),
        **storage.environment,
        **_place_of_backups(storage),
        "GOOGLE_CLOUD_PROJECT": project(),
        "LOG_FORMAT": os.environ.get("LOG_FORMAT") or "text",
        "PYTHONPATH": str(ROOT),
        "PYTHONUNBUFFERED": "1",
        # As in production. LOG_EXECUTION_ID alone disables the loggers that are made at import.
        "FUNCTION_USE_ASGI": "true",
        "LOG_EXECUTION_ID": "true",
    }


def _place_of_backups(storage: HasEnvironment) -> dict[str, str]:
    """Return the setting of the folder of backups, unless the environment names a place."""
    if os.environ.get("BACKUP_FOLDER") or os.environ.get("BACKUP_BUCKET"):
        return {}
    database = storage.environment.get(FILE)
    file = Path(database) if database else ROOT / ".dev" / "data" / "emulators"
    return {"BACKUP_FOLDER": str(backups_beside(file))}
