"""Where the stack is that the tests talk to."""

import os
from pathlib import Path

from scripts.local.ports import HOST, Ports
from scripts.local.services import PROJECT
from scripts.local.stack import Stack

_BASE = "LIFTLOG_TEST_STACK_PORT"
_LOG = "LIFTLOG_TEST_STACK_LOG"


def announce(stack: Stack) -> None:
    """Tell this process, and those that it starts, where the stack is."""
    os.environ[_BASE] = str(stack.ports.base)
    os.environ[_LOG] = str(stack.log)
    os.environ["FIRESTORE_EMULATOR_HOST"] = f"{HOST}:{stack.ports.firestore}"
    os.environ["PUBSUB_EMULATOR_HOST"] = f"{HOST}:{stack.ports.pubsub}"
    os.environ["GOOGLE_CLOUD_PROJECT"] = PROJECT


def log() -> Path:
    """Return the file with what the stack's processes have said."""
    return Path(os.environ[_LOG])


def said() -> Path:
    """Return the folder for whatever other processes of the tests say, and for what they hide."""
    return log().with_suffix("")


def current() -> Ports:
    """Return the ports of the stack."""
    return Ports(int(os.environ[_BASE]))
