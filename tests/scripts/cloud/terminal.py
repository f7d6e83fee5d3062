"""Commands that ask, at a terminal of their own."""

import os
import pty
import select
import subprocess
import sys
import time
from collections.abc import Sequence

import psutil

from scripts.root import ROOT
from tests.scripts.conftest import Cloud

CTRL_C = "\x03"
_PATIENCE_S = 300
# Makes its standard input the terminal of its session, so that Ctrl-C reaches it.
_AT_ITS_TERMINAL = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.argv[1], sys.argv[1:])
"""


def talk(cloud: Cloud, command: str, *arguments: str, answers: Sequence[str]) -> tuple[int, str]:
    """Answer each question, which ends with a space; return the exit status and what was shown."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", _AT_ITS_TERMINAL, ROOT / "scripts" / command, *arguments],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
        env={**cloud.environment, "TERM": "dumb"},
    )
    os.close(theirs)
    waiting, shown = list(answers), ""
    end = time.monotonic() + _PATIENCE_S
    while time.monotonic() < end and (said := _said(ours)) is not None:
        shown += said
        if waiting and shown.endswith(("] ", ": ")):
            answer = waiting.pop(0)
            if answer == CTRL_C:
                _wait_until_it_reads(process.pid)
            os.write(ours, (answer if answer == CTRL_C else f"{answer}\n").encode())
    os.close(ours)
    return process.wait(timeout=_PATIENCE_S), shown.replace("\r\n", "\n")


def _wait_until_it_reads(pid: int) -> None:
    """Wait until a process that shows its question sleeps, or has ended.

    `input` misses a signal that arrives after the question and before its read.
    """
    process = psutil.Process(pid)
    while process.status() not in {psutil.STATUS_SLEEPING, psutil.STATUS_ZOMBIE}:
        time.sleep(0.01)


def _said(terminal: int) -> str | None:
    """Return what came within a moment; None when the command has closed its terminal."""
    if not select.select([terminal], [], [], 0.2)[0]:
        return ""
    try:
        return os.read(terminal, 65_536).decode()
    except OSError:  # EIO: nobody holds the other end
        return None
