"""Threads with one connection each, and the translation of SQLite's errors."""

import asyncio
import sqlite3
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Concatenate, ParamSpec, TypeVar

from google.api_core.exceptions import ServiceUnavailable

from shared.store.engines.sqlite.failures import FailureLog
from shared.store.engines.sqlite.file import File
from shared.store.engines.sqlite.schema import IncompatibleFileError

Result = TypeVar("Result")
Arguments = ParamSpec("Arguments")


class Connections:
    """Runs functions in up to `count` threads. Each thread has its own connection.

    Args:
        file: the database file.
        count: the number of threads.
        operation: the name of the work in the log, "read" or "write".
    """

    def __init__(self, file: File, count: int, operation: str) -> None:
        self._file = file
        self._failures = FailureLog(file.path, operation)
        self._slots = asyncio.Semaphore(count)
        self._threads = ThreadPoolExecutor(count, thread_name_prefix="database")
        self._own = threading.local()
        self._open: set[sqlite3.Connection] = set()
        self._is_closed = False

    async def run(
        self,
        function: Callable[Concatenate[sqlite3.Connection, Arguments], Result],
        *arguments: Arguments.args,
        **options: Arguments.kwargs,
    ) -> Result:
        """Call `function` with a connection and these arguments, in a thread.

        Raises:
            ServiceUnavailable: SQLite cannot read or write the file now, or it is closed.
        """

        def call() -> Result:
            return function(self._connection(), *arguments, **options)

        # The queue of the threads would keep the calls of cancelled callers while the disk hangs.
        async with self._slots:
            if self._is_closed:
                raise ServiceUnavailable("the embedded database is closed")
            return await asyncio.get_running_loop().run_in_executor(self._threads, self._try, call)

    async def close(self) -> None:
        """Wait for the calls that run, and close all connections."""
        self._is_closed = True
        await asyncio.to_thread(self._close)

    def _close(self) -> None:
        self._threads.shutdown()
        while self._open:
            self._open.pop().close()

    def _try(self, call: Callable[[], Result]) -> Result:
        try:
            result = call()
        except (sqlite3.Error, IncompatibleFileError) as error:
            self._discard_connection()
            self._failures.note_failure(error, time.monotonic())
            raise ServiceUnavailable("the embedded database is unavailable") from error
        self._failures.note_success()
        return result

    def _connection(self) -> sqlite3.Connection:
        connection = getattr(self._own, "connection", None)
        if connection is None:
            connection = self._own.connection = self._file.connect()
            self._open.add(connection)
        return connection

    def _discard_connection(self) -> None:
        # A new connection next time: after a failed write, SQLite may keep the error.
        connection = getattr(self._own, "connection", None)
        if connection is not None:
            self._own.connection = None
            self._open.discard(connection)
            connection.close()
