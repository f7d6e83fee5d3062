"""Restart the services when their code changes, for `./scripts/dev --reload`."""

import time
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path

from rich.console import Console
from watchfiles import PythonFilter, watch

from scripts.local.processes import Processes, ProgramEndedError
from scripts.local.services import Program
from scripts.root import ROOT

_WATCHED = ("functions", "shared")
_CHECK_INTERVAL_MS = 200
# The platform's time between SIGTERM and SIGKILL. The chat finishes replies in flight.
_END_TIMEOUT_S = 10


def changes() -> Iterator[list[Path]]:
    """Start to watch; return an iterator of changed Python files, empty five times per second."""
    batches = watch(
        *(ROOT / folder for folder in _WATCHED),
        watch_filter=PythonFilter(),
        rust_timeout=_CHECK_INTERVAL_MS,
        yield_on_timeout=True,
    )
    # The watch starts with the first call, not with the first use by the caller.
    return (sorted(Path(path) for _, path in batch) for batch in chain([next(batches)], batches))


class Reloader:
    """Restarts the programs of the services, and nothing else of the stack."""

    def __init__(self, processes: Processes, programs: Sequence[Program], console: Console) -> None:
        self._processes = processes
        self._programs = programs
        self._console = console

    def run(self, batches: Iterable[Sequence[Path]]) -> None:
        """Restart the services after each batch of changed files, until a signal interrupts.

        A service that ended does not end the stack: the next change starts it again.

        Raises:
            ProgramEndedError: another process of the stack ended.
        """
        for files in batches:
            if files:
                self._console.print(f"{_shown(files)} changed: {self._restart()}")
            if ended := self._remove_ended():
                self._console.print(_waiting(ended))
            self._processes.check()

    def _restart(self) -> str:
        """Restart the services; return the outcome as text."""
        began = time.monotonic()
        self._processes.end([each.name for each in self._programs], _END_TIMEOUT_S)
        for program in self._programs:
            program.start(self._processes)
        try:
            for program in self._programs:
                program.wait(self._processes)
        except ProgramEndedError as error:
            # The program itself has printed the traceback.
            ended = self._remove_ended()
            return _waiting(ended) if ended else str(error)
        return f"reloaded in {time.monotonic() - began:.1f} s"

    def _remove_ended(self) -> list[str]:
        """Remove the ended services: their process ids may be used again. Return their names."""
        ended = self._processes.ended(each.name for each in self._programs)
        self._processes.end(ended, 0)
        return ended


def _waiting(ended: Sequence[str]) -> str:
    return f"[red]{', '.join(ended)} ended[/]; the next change starts it again"


def _shown(files: Sequence[Path]) -> str:
    first = files[0].relative_to(ROOT) if files[0].is_relative_to(ROOT) else files[0]
    return str(first) if len(files) == 1 else f"{first} and {len(files) - 1} more"
