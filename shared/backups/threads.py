"""Threads for blocking calls on the files of backups."""

import asyncio
import errno
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from shared.backups.encryption import DamagedFileError
from shared.backups.place import RETRY_AFTER_S, SUBJECT
from shared.errors import DependencyFailed, DependencyUnavailable

logger = logging.getLogger(__name__)

Result = TypeVar("Result")

_THREADS = 8


class FileThreads:
    """Runs blocking work in its own threads, so that a slow disk delays no other work."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(_THREADS, "backups")

    async def run(self, work: Callable[[], Result]) -> Result:
        """Return the result of `work`. It runs to its end even if the caller is cancelled.

        Raises:
            DependencyUnavailable: the disk or the folder is unavailable.
            DependencyFailed: a file is damaged.
        """
        running = asyncio.get_running_loop().run_in_executor(self._threads, work)
        try:
            return await asyncio.shield(running)
        except asyncio.CancelledError:
            # The caller is about to close the file that the thread uses.
            await asyncio.wait({running})
            if not running.cancelled():
                running.exception()
            raise
        except OSError as error:
            reason = errno.errorcode.get(error.errno or 0, type(error).__name__)
            # Without the error itself: its path contains the name of a user.
            logger.error("the folder of backups is unavailable: %s", reason)  # noqa: TRY400
            raise DependencyUnavailable(SUBJECT, RETRY_AFTER_S) from None
        except DamagedFileError as error:
            raise damaged(str(error)) from None


def damaged(reason: str) -> DependencyFailed:
    """Log the reason why a stored backup cannot be read, and return the error to raise."""
    logger.error("a backup cannot be read: %s", reason)
    return DependencyFailed(SUBJECT, RETRY_AFTER_S)
