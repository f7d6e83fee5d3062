"""The processes of a stack: which they are, and what they use."""

from collections.abc import Sequence

import psutil

from scripts.local.stack import Stack

GATEWAY = "scripts.local.gateway"
FIRESTORE_EMULATOR = "CloudFirestore"


def processes_of(stack: Stack, *names: str) -> list[psutil.Process]:
    """Return the processes of a stack with one of `names` in their command."""
    return [
        process
        for process in psutil.Process(stack.pid).children(recursive=True)
        if any(name in " ".join(process.cmdline()) for name in names)
    ]


def cpu_s(processes: Sequence[psutil.Process]) -> float:
    """Return the CPU time that the processes have used, in seconds."""
    return sum(sum(process.cpu_times()[:2]) for process in processes)


def memory_mib(processes: Sequence[psutil.Process]) -> float:
    """Return the sum of their RSS. Pages that several processes share count for each of them."""
    # Not PSS: it counts less if other programs of the machine use the same libraries.
    return sum(process.memory_info().rss for process in processes) / 2**20
