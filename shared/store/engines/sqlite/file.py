"""The database file: connections with our options, prepared at the first one."""

import os
import sqlite3
import threading
from pathlib import Path

from shared.store.engines.sqlite.indexes import Indexes
from shared.store.engines.sqlite.locks import LOCK_TIMEOUT_S, wait_for_lock
from shared.store.engines.sqlite.schema import prepare

_MAX_WAL_BYTES = 64 * 1024 * 1024
_OPTIONS = (
    # For new files. An event of 2 KiB takes a whole page of the default size, 4 KiB, but a third of
    # this one.
    "page_size = 8192",
    # Readers see the last commit, and do not wait for the writer.
    "journal_mode = WAL",
    # Each commit reaches the disk before it is answered.
    "synchronous = FULL",
    # On macOS, only this option makes the disk write its cache.
    "fullfsync = ON",
    f"journal_size_limit = {_MAX_WAL_BYTES}",
    # Otherwise a large commit writes a file to /var/tmp, on another disk or a read-only one.
    "temp_store = MEMORY",
    "trusted_schema = OFF",
)


class ReadOnlyFileError(sqlite3.OperationalError):
    """The user of this process may not write the file."""

    sqlite_errorcode = sqlite3.SQLITE_READONLY
    sqlite_errorname = "SQLITE_READONLY"


class File:
    """The database file. Any thread may open connections, each for itself."""

    def __init__(self, path: Path, indexes: Indexes) -> None:
        self.path = path
        self._indexes = indexes
        self._lock = threading.Lock()
        self._is_prepared = False

    def connect(self) -> sqlite3.Connection:
        """Return a new connection. The first one creates or upgrades the tables.

        Raises:
            IncompatibleFileError: this program cannot use the file.
            sqlite3.Error: the file cannot be opened, or not for writing.
        """
        self._require_writable()
        connection = sqlite3.connect(
            self.path,
            timeout=0,  # `wait_for_lock` waits
            isolation_level=None,  # no implicit transactions
            check_same_thread=False,  # `close` runs in another thread
        )
        try:
            wait_for_lock(lambda: self._prepare(connection))
        except BaseException:
            connection.close()
            raise
        return connection

    def _prepare(self, connection: sqlite3.Connection) -> None:
        for option in _OPTIONS:
            connection.execute(f"PRAGMA {option}")
        with self._lock:
            if not self._is_prepared:
                prepare(connection, self._indexes)
                self._is_prepared = True
        connection.execute(f"PRAGMA busy_timeout = {LOCK_TIMEOUT_S * 1000}")

    def _require_writable(self) -> None:
        # SQLite would open the file for reading. All later connections of the process would then
        # share an index of the log that is read-only, also after the permission is given.
        for suffix in ("", "-wal", "-shm"):
            path = self.path.with_name(self.path.name + suffix)
            if os.access(path, os.F_OK) and not os.access(path, os.W_OK):
                raise ReadOnlyFileError("the file is read-only")
