"""The write lock of the database file, which one process at a time holds."""

import sqlite3
import time

LOCK_TIMEOUT_S = 1
"""A commit waits for the group before it and for its own. Both fit into the timeout of a call."""

_POLL_INTERVAL_MS = 5
_PRIMARY_CODE = 0xFF


def begin_write(connection: sqlite3.Connection) -> None:
    """Begin a transaction with the write lock; wait for it while another process holds it.

    Raises:
        sqlite3.OperationalError: SQLITE_BUSY, the lock was not free within `LOCK_TIMEOUT_S`.
    """
    # After some attempts, SQLite itself looks only every 100 ms. A process whose transactions
    # follow each other closely would keep the others waiting for seconds.
    connection.execute(f"PRAGMA busy_timeout = {_POLL_INTERVAL_MS}")
    deadline = time.monotonic() + LOCK_TIMEOUT_S
    while True:
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            is_locked = error.sqlite_errorcode & _PRIMARY_CODE == sqlite3.SQLITE_BUSY
            if not is_locked or time.monotonic() >= deadline:
                raise
        else:
            return
