"""The address of the stack of the tests."""

import os
from pathlib import Path

from scripts.local.ports import HOST, Ports
from scripts.local.services import PROJECT
from scripts.local.stack import Stack

_BASE = "LIFTLOG_TEST_STACK_PORT"
_LOG = "LIFTLOG_TEST_STACK_LOG"


def announce(stack: Stack) -> None:
    """Set the address of the stack for this process and its children."""
    os.environ[_BASE] = str(stack.ports.base)
    os.environ[_LOG] = str(stack.log)
    os.environ["FIRESTORE_EMULATOR_HOST"] = f"{HOST}:{stack.ports.firestore}"
    os.environ["PUBSUB_EMULATOR_HOST"] = f"{HOST}:{stack.ports.pubsub}"
    os.environ["GOOGLE_CLOUD_PROJECT"] = PROJECT


def log() -> Path:
    """Return the log file of the stack's processes."""
    return Path(os.environ[_LOG])


def log_folder() -> Path:
    """Return the folder for logs of other processes, and for the list of secrets."""
    return log().with_suffix("")


def current() -> Ports:
    """Return the ports of the stack."""
    return Ports(int(os.environ[_BASE]))
