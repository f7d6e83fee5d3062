"""Waits for the locks that other processes hold on the database file."""

import sqlite3
import time
from collections.abc import Callable
from typing import TypeVar

LOCK_TIMEOUT_S = 1
"""A commit waits for the group before it and for its own. Both fit into the timeout of a call."""

_POLL_INTERVAL_S = 0.001
_PRIMARY_CODE = 0xFF

Result = TypeVar("Result")


def begin_write(connection: sqlite3.Connection) -> None:
    """Begin a transaction with the write lock; wait for it while another process holds it.

    Raises:
        sqlite3.OperationalError: SQLITE_BUSY, the lock was not free in time.
    """
    connection.execute("PRAGMA busy_timeout = 0")
    wait_for_lock(lambda: connection.execute("BEGIN IMMEDIATE"))


def wait_for_lock(action: Callable[[], Result]) -> Result:
    """Return the result of `action`. Repeat it for `LOCK_TIMEOUT_S` while the file is locked.

    Raises:
        sqlite3.OperationalError: SQLITE_BUSY, the lock was not free in time.
    """
    # SQLite's own wait ends at once in some cases, for example when processes create the file
    # together. After some attempts it looks only every 100 ms, so a process whose transactions
    # follow each other closely would keep the others waiting for seconds.
    deadline = time.monotonic() + LOCK_TIMEOUT_S
    while True:
        try:
            return action()
        except sqlite3.OperationalError as error:
            is_locked = error.sqlite_errorcode & _PRIMARY_CODE == sqlite3.SQLITE_BUSY
            if not is_locked or time.monotonic() >= deadline:
                raise
        time.sleep(_POLL_INTERVAL_S)
