"""The address of the stack of the tests."""

import os
from pathlib import Path

import httpx

from scripts.local.database_file import DatabaseFile
from scripts.local.ports import Ports, url
from scripts.local.services import PROJECT
from scripts.local.stack import Stack
from scripts.local.storage import FILE, VARIABLES

_BASE = "LIFTLOG_TEST_STACK_PORT"
_LOG = "LIFTLOG_TEST_STACK_LOG"


def announce(stack: Stack) -> None:
    """Set the address and the database of the stack for this process and its children."""
    os.environ[_BASE] = str(stack.ports.base)
    os.environ[_LOG] = str(stack.log)
    for name in VARIABLES:
        os.environ.pop(name, None)
    storage = httpx.get(f"{url(stack.ports.fakes)}/storage", timeout=60).raise_for_status()
    os.environ.update(storage.json())
    os.environ["GOOGLE_CLOUD_PROJECT"] = PROJECT


def database_file() -> DatabaseFile:
    """Return the database of the stack."""
    return DatabaseFile(Path(os.environ[FILE]), push_to="")


def log() -> Path:
    """Return the log file of the stack's processes."""
    return Path(os.environ[_LOG])


def log_folder() -> Path:
    """Return the folder for logs of other processes, and for the list of secrets."""
    return log().with_suffix("")


def current() -> Ports:
    """Return the ports of the stack."""
    return Ports(int(os.environ[_BASE]))
