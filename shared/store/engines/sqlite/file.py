"""The database file: connections with our options, prepared at the first one."""

import sqlite3
import threading
from pathlib import Path

from shared.store.engines.sqlite.indexes import Indexes
from shared.store.engines.sqlite.schema import prepare

# Other processes hold the write lock for the time of a transaction.
_LOCK_TIMEOUT_S = 3
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
    "trusted_schema = OFF",
)


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
            sqlite3.Error: the file cannot be opened.
        """
        connection = sqlite3.connect(
            self.path,
            timeout=_LOCK_TIMEOUT_S,
            isolation_level=None,  # no implicit transactions
            check_same_thread=False,  # `close` runs in another thread
        )
        try:
            for option in _OPTIONS:
                connection.execute(f"PRAGMA {option}")
            with self._lock:
                if not self._is_prepared:
                    prepare(connection, self._indexes)
                    self._is_prepared = True
        except BaseException:
            connection.close()
            raise
        return connection
