"""Threads with one connection each, and the translation of SQLite's errors."""

import asyncio
import logging
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Concatenate, ParamSpec, TypeVar

from google.api_core.exceptions import ServiceUnavailable

from shared.store.engines.sqlite.file import File

logger = logging.getLogger(__name__)

Result = TypeVar("Result")
Arguments = ParamSpec("Arguments")


class Connections:
    """Runs functions in up to `count` threads. Each thread has its own connection."""

    def __init__(self, file: File, count: int) -> None:
        self._file = file
        self._threads = ThreadPoolExecutor(count, thread_name_prefix="database")
        self._own = threading.local()
        self._open: set[sqlite3.Connection] = set()
        self._failure: str | None = None

    async def run(
        self,
        function: Callable[Concatenate[sqlite3.Connection, Arguments], Result],
        *arguments: Arguments.args,
        **options: Arguments.kwargs,
    ) -> Result:
        """Call `function` with a connection and these arguments, in a thread.

        Raises:
            ServiceUnavailable: SQLite cannot read or write the file now.
        """

        def call() -> Result:
            return function(self._connection(), *arguments, **options)

        return await asyncio.get_running_loop().run_in_executor(self._threads, self._try, call)

    def close(self) -> None:
        """Wait for the calls that run, and close all connections."""
        self._threads.shutdown()
        while self._open:
            self._open.pop().close()

    def _try(self, call: Callable[[], Result]) -> Result:
        try:
            result = call()
        except sqlite3.Error as error:
            self._note_failure(error)
            raise ServiceUnavailable("the embedded database is unavailable") from error
        if self._failure is not None:
            self._failure = None
            logger.warning("the database file is usable again")
        return result

    def _connection(self) -> sqlite3.Connection:
        connection = getattr(self._own, "connection", None)
        if connection is None:
            connection = self._own.connection = self._file.connect()
            self._open.add(connection)
        return connection

    def _note_failure(self, error: sqlite3.Error) -> None:
        # A new connection next time: after a failed write, SQLite may keep the error.
        connection = getattr(self._own, "connection", None)
        if connection is not None:
            self._own.connection = None
            self._open.discard(connection)
            connection.close()
        name = getattr(error, "sqlite_errorname", "SQLITE_ERROR")
        # One line per kind of failure: each request repeats it.
        if name != self._failure:
            self._failure = name
            logger.error("cannot use the database file %s: %s (%s)", self._file.path, error, name)
