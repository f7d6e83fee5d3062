"""Ending what was started, whatever happened before."""

import time

import psutil

from scripts.local.processes import Processes
from tests.scripts.test_commands import runs


def test_a_signal_in_an_unlucky_moment_keeps_nothing_from_ending() -> None:
    begin = time.monotonic()
    with Processes() as processes:
        processes.start("a program", ["sleep", "600"], {})
        popen = processes._running["a program"]  # noqa: SLF001
        child = psutil.Process(popen.pid)
        # As it stays when the handler of a signal raises right after the library has taken it.
        lock = popen._waitpid_lock  # type: ignore[attr-defined]  # noqa: SLF001
        lock.acquire()
    assert time.monotonic() - begin < 600  # it did not end by itself
    assert not runs(child)
    lock.release()
    popen.wait()
