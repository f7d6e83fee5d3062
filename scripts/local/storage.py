"""The database of a stack: a file or the emulators, and the variables that name it."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from scripts.local.processes import Processes

FILE = "DATABASE_FILE"
FIRESTORE_HOST, PUBSUB_HOST = "FIRESTORE_EMULATOR_HOST", "PUBSUB_EMULATOR_HOST"
VARIABLES = (FILE, FIRESTORE_HOST, PUBSUB_HOST)
"""The variables that name the database. A process gets those of one form only."""


def backups_beside(file: Path) -> Path:
    """Return the folder of the backups that belong to a database file."""
    return file.with_name(f"{file.stem}-backups")


class CannotStartError(Exception):
    """The stack cannot start. The message names the next step."""


class HasEnvironment(Protocol):
    """A database that processes find by environment variables."""

    @property
    def environment(self) -> dict[str, str]:
        """The environment variables that point a process to the database."""


class Storage(HasEnvironment, Protocol):
    """The database of a stack, and the way of the messages to its cleanup."""

    @property
    def ports(self) -> list[int]:
        """The ports that it needs."""

    @property
    def fakes_options(self) -> list[str]:
        """The options of the fakes: how the scheduler starts the cleanup."""

    def start(self, processes: Processes) -> None:
        """Start it. Raises CannotStartError."""

    def wait(self, processes: Processes) -> list[tuple[str, str]]:
        """Wait until it can be used. Return the lines of the summary: title and address.

        Raises:
            ProgramEndedError: a process ended.
        """


def keep_only(environment: Mapping[str, str]) -> None:
    """Remove the variables of the other form from this process, so that no child inherits them."""
    for name in VARIABLES:
        if name not in environment:
            os.environ.pop(name, None)
