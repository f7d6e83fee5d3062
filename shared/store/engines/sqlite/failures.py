"""The log lines about a database file that cannot be used."""

import logging
import os
import sqlite3
import threading
from pathlib import Path

from shared.store.engines.sqlite.schema import IncompatibleFileError

logger = logging.getLogger(__name__)

_REPEAT_AFTER_S = 60
_ACCESS = "Check that the folder exists, and that user {uid} may write the folder and its files."
_NEXT_STEPS = {
    "SQLITE_FULL": "Free space on the disk.",
    "SQLITE_IOERR": "Check the space, the quota and the health of the disk.",
    "SQLITE_BUSY": "Another process holds its lock. If this lasts, end that process.",
    "SQLITE_CANTOPEN": _ACCESS,
    "SQLITE_PERM": _ACCESS,
    "SQLITE_READONLY": _ACCESS,
    "SQLITE_CORRUPT": "Restore a copy of the file.",
    "SQLITE_NOTADB": "Restore a copy of the file.",
}
"""By the beginning of SQLite's name of the error: `SQLITE_IOERR_WRITE` is an `SQLITE_IOERR`."""


class FailureLog:
    """Logs each kind of failure once, until an operation succeeds. Any thread may use it.

    On a disk that is almost full, successes and failures alternate. So each kind is logged once a
    minute at most.

    Args:
        path: the database file.
        operation: "read" or "write".
    """

    def __init__(self, path: Path, operation: str) -> None:
        self._path = path
        self._operation = operation
        self._lock = threading.Lock()
        self._announced: set[str] = set()
        self._logged_at: dict[str, float] = {}

    def note_failure(self, error: sqlite3.Error | IncompatibleFileError, now: float) -> None:
        """Log `error`, unless its kind has been logged. `now` is a monotonic time in seconds."""
        kind = _kind(error)
        with self._lock:
            is_recent = now - self._logged_at.get(kind, -_REPEAT_AFTER_S) < _REPEAT_AFTER_S
            if kind in self._announced or is_recent:
                return
            self._announced.add(kind)
            self._logged_at[kind] = now
        logger.error(
            "cannot %s the database file %s: %s",
            self._operation,
            self._path,
            _description(error, kind),
        )

    def note_success(self) -> None:
        """Log the end of the failures that were logged."""
        if not self._announced:
            return
        with self._lock:
            was_announced = bool(self._announced)
            self._announced.clear()
        if was_announced:
            logger.warning("can %s the database file %s again", self._operation, self._path)


def _kind(error: Exception) -> str:
    return getattr(error, "sqlite_errorname", None) or type(error).__name__


def _description(error: Exception, kind: str) -> str:
    if isinstance(error, IncompatibleFileError):
        return str(error)
    steps = (step for prefix, step in _NEXT_STEPS.items() if kind.startswith(prefix))
    return f"{error} ({kind}). {next(steps, '').format(uid=os.geteuid())}".rstrip()
