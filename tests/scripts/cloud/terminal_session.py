"""Commands that ask for input, each in a new terminal."""

import os
import pty
import select
import subprocess
import sys
import time
from collections.abc import Sequence

import psutil

from scripts.root import ROOT
from tests.scripts.conftest import FakeCloud

CTRL_C = "\x03"
_TIMEOUT_S = 300
# Makes standard input the controlling terminal of the session, so that Ctrl-C sends a signal.
_SET_TERMINAL = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.argv[1], sys.argv[1:])
"""


def run_in_terminal(
    cloud: FakeCloud, command: str, *arguments: str, answers: Sequence[str]
) -> tuple[int, str]:
    """Answer each prompt of a command; return the exit status and the output.

    A prompt is output that ends with a space.
    """
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", _SET_TERMINAL, ROOT / "scripts" / command, *arguments],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
        env={**cloud.environment, "TERM": "dumb"},
    )
    os.close(theirs)
    waiting, shown = list(answers), ""
    deadline = time.monotonic() + _TIMEOUT_S
    while time.monotonic() < deadline and (output := _read(ours)) is not None:
        shown += output
        if waiting and shown.endswith(("] ", ": ")):
            answer = waiting.pop(0)
            if answer == CTRL_C:
                _wait_for_read(process.pid)
            os.write(ours, (answer if answer == CTRL_C else f"{answer}\n").encode())
    os.close(ours)
    return process.wait(timeout=_TIMEOUT_S), shown.replace("\r\n", "\n")


def _wait_for_read(pid: int) -> None:
    """Wait until a process sleeps in its read, or has ended.

    `input` misses a signal that arrives between the prompt and the read.
    """
    process = psutil.Process(pid)
    while process.status() not in {psutil.STATUS_SLEEPING, psutil.STATUS_ZOMBIE}:
        time.sleep(0.01)


def _read(terminal: int) -> str | None:
    """Return new output, empty after a short wait; None when the command has ended."""
    if not select.select([terminal], [], [], 0.2)[0]:
        return ""
    try:
        return os.read(terminal, 65_536).decode()
    except OSError:  # EIO: the other end is closed
        return None
