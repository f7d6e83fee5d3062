"""Child processes of the tests: they share a database file, and may end by force."""

import asyncio
import inspect
import multiprocessing
import signal
import traceback
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from typing import Any

_TIMEOUT_S = 120
_PRELOADED = [
    "google.cloud.firestore_v1.async_client",
    "scripts.root",
    "shared.store.database",
    "shared.store.engines.sqlite.engine",
    "shared.store.events",
    "shared.store.users",
    "uuid",
]

# One process imports the modules; each child is a fork of it. An import takes a second.
_processes = multiprocessing.get_context("forkserver")
_processes.set_forkserver_preload(_PRELOADED)

Report = Callable[[object], None]


class Child:
    """A process that runs `function(report, *arguments)`, which may be a coroutine function.

    The objects that the function reports arrive in order, also those before a crash.
    """

    def __init__(self, function: Callable[..., object], *arguments: object) -> None:
        self.reports, writer = _processes.Pipe(duplex=False)
        self._process = _processes.Process(target=_run, args=(writer, function, arguments))
        self._process.start()
        writer.close()

    @property
    def pid(self) -> int:
        """The process id."""
        assert self._process.pid is not None
        return self._process.pid

    def next_report(self) -> Any:
        """Return the next object that the child reports; raise the error that ended the child.

        Raises:
            EOFError: the child has ended.
        """
        assert self.reports.poll(_TIMEOUT_S), "the child reports nothing"
        report = self.reports.recv()
        if isinstance(report, _Failure):
            self.join()
            raise ChildFailed(report.traceback)
        return report

    def remaining_reports(self) -> Iterator[Any]:
        """Yield the reports until the child ends."""
        while True:
            try:
                yield self.next_report()
            except EOFError:
                return

    def kill(self) -> None:
        """End the process at once, as `kill -9` does."""
        self._process.kill()
        self._process.join()

    def join(self) -> None:
        """Wait until the process has ended."""
        self._process.join(_TIMEOUT_S)

    @property
    def has_crashed(self) -> bool:
        """Whether SIGKILL ended the process."""
        return self._process.exitcode == -signal.SIGKILL


def run(function: Callable[..., object], *arguments: object) -> list[Any]:
    """Run `function(report, *arguments)` in a child to its end; return the reports."""
    [reports] = run_together(function, [arguments])
    return reports


def run_together(
    function: Callable[..., object], arguments: list[tuple[Any, ...]]
) -> list[list[Any]]:
    """Run a child for each of `arguments` at the same time; return a list of reports for each."""
    children = [Child(function, *each) for each in arguments]
    try:
        return [list(child.remaining_reports()) for child in children]
    finally:
        for child in children:
            child.kill()


class ChildFailed(Exception):
    """An error ended the child; the message is its traceback."""


class _Failure:
    """The error that ended a child."""

    def __init__(self, error: Exception) -> None:
        self.traceback = "".join(traceback.format_exception(error))


def _run(
    writer: Connection, function: Callable[..., object], arguments: tuple[object, ...]
) -> None:
    try:
        result = function(writer.send, *arguments)
        if inspect.iscoroutine(result):
            asyncio.run(result)
    except Exception as error:  # noqa: BLE001 - the parent raises it
        writer.send(_Failure(error))
