"""How a service is run as in production, in a process of its own: functions by their framework."""

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from scripts.fakes.settings import local_services
from scripts.local.ports import FUNCTIONS, HOST, Ports
from scripts.root import ROOT

PROJECT = "liftlog-local"


def command(service: str, port: int) -> list[str]:
    """Return the command that serves a function or service on `port`."""
    if service not in FUNCTIONS:
        where = [f"CHAT_HOST={HOST}", f"PORT={port}"]
        return ["env", *where, sys.executable, "-m", f"functions.{service}"]
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


def runtime_folder(port: int) -> Path:
    """Return the folder for the server's control socket, which would else be in the user's home."""
    return ROOT / ".dev" / f"run-{port}"


@dataclass(frozen=True)
class Emulators:
    """Where they are, each as `host:port`, and the cleanup's topic there."""

    firestore: str
    pubsub: str
    topic: str = "cleanup"

    @classmethod
    def of(cls, ports: Ports) -> Self:
        """Return those that a stack has started for itself."""
        return cls(f"{HOST}:{ports.firestore}", f"{HOST}:{ports.pubsub}")

    @property
    def environment(self) -> dict[str, str]:
        """The variables of a service that uses them."""
        return {"FIRESTORE_EMULATOR_HOST": self.firestore, "GOOGLE_CLOUD_PROJECT": project()}


def project() -> str:
    """Return the project of everything on this machine."""
    return os.environ.get("GOOGLE_CLOUD_PROJECT") or PROJECT


def environment(emulators: Emulators, fakes: str | None = None) -> dict[str, str]:
    """Return what a service's process needs to know.

    With the address of the fakes, what needs a key that the environment does not have is done
    by them.
    """
    return {
        **(local_services(os.environ, fakes) if fakes else {}),
        **emulators.environment,
        "LOG_FORMAT": os.environ.get("LOG_FORMAT") or "text",
        "PYTHONPATH": str(ROOT),
        "PYTHONUNBUFFERED": "1",
        # Set in production too. Without the first, the second silences loggers made at import.
        "FUNCTION_USE_ASGI": "true",
        "LOG_EXECUTION_ID": "true",
    }
