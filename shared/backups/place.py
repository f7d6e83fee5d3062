"""The interface of places that keep backups."""

from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

SUBJECT = "the storage of backups"
"""The name of a place in messages to clients."""

RETRY_AFTER_S = 30


@dataclass(frozen=True)
class Backup:
    """A complete backup. Its content never changes."""

    id: str
    created_at: datetime
    size_bytes: int
    sha256: str | None
    """The hash of the content in lower-case hex; None if the place could not store it."""


class BackupWriter(Protocol):
    """A backup that is not complete yet, and that no reader sees."""

    async def write(self, part: bytes) -> None:
        """Append bytes: a multiple of `PART_BYTES`, except for the last part."""

    async def complete(self, sha256: str) -> None:
        """Make the backup visible. It is durable when this method returns."""


PART_BYTES = 1024 * 1024
"""The size of the parts that a writer gets."""


class BackupPlace(Protocol):
    """Keeps the backups of all users. A user has any name that is not empty.

    Each method raises DependencyUnavailable if the place is unavailable.
    """

    async def list(self, user: str) -> list[Backup]:
        """Return the complete backups of a user, newest first."""

    async def find(self, user: str, backup_id: str) -> Backup | None:
        """Return a backup; None if it does not exist. `backup_id` has the form of an id."""

    def write(self, user: str, backup_id: str) -> AbstractAsyncContextManager[BackupWriter]:
        """Begin a backup. At the end of the block, nothing remains of an incomplete one."""

    def read(self, user: str, backup: Backup, start: int, stop: int) -> AsyncGenerator[bytes, None]:
        """Yield the bytes from `start` up to `stop`, which is not included. Close it after use.

        Raises:
            NotFound: the backup was deleted; before the first bytes.
            DependencyFailed: the stored bytes are damaged, or their key is missing.
        """

    async def delete(self, user: str, backup_id: str) -> bool:
        """Delete a backup; return False if it does not exist."""

    async def check(self) -> None:
        """Return if the place is available."""
