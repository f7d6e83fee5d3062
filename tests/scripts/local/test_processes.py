"""The end of processes after an interrupted wait."""

import time

import psutil

from scripts.local.processes import Processes
from tests.scripts.test_commands import runs


def test_process_ends_when_its_popen_lock_is_held() -> None:
    begin = time.monotonic()
    with Processes() as processes:
        processes.start("a program", ["sleep", "600"], {})
        popen = processes._running["a program"]  # noqa: SLF001 - the subject of the test
        child = psutil.Process(popen.pid)
        # The state after a signal handler raised inside `Popen.wait`. The lock is private.
        lock = popen._waitpid_lock  # type: ignore[attr-defined]  # noqa: SLF001 - see above
        lock.acquire()
    assert time.monotonic() - begin < 600  # the signal ended it
    assert not runs(child)
    lock.release()
    popen.wait()
