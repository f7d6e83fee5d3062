"""The backups of a user: stored once, kept by the retention rule, and read back."""

import asyncio
import hashlib
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from datetime import datetime, timedelta

from shared.backups.names import new_id, time_of
from shared.backups.parts import in_parts
from shared.backups.place import PART_BYTES, Backup, BackupPlace
from shared.backups.retention import Retention
from shared.errors import DependencyUnavailable, InvalidRequest, NotFound, QuotaExceeded
from shared.telemetry.metrics import BACKUPS
from shared.telemetry.signals import add

logger = logging.getLogger(__package__)

# The timeout of the function, less the time to complete a backup.
_UPLOAD_TIMEOUT_S = 870
_CONCURRENT_DELETIONS = 8
_MICROSECOND = timedelta(microseconds=1)


class Backups:
    """The backups of all users in one place."""

    upload_timeout_s: float = _UPLOAD_TIMEOUT_S
    """The time limit for receiving one upload."""

    def __init__(self, place: BackupPlace, retention: Retention) -> None:
        self._place = place
        self._retention = retention

    async def store(
        self, user: str, content: AsyncIterator[bytes], announced_bytes: int | None, now: datetime
    ) -> None:
        """Store `content` as the newest backup, then delete the expired ones.

        A content that equals the newest backup is not stored again. Any error leaves nothing.

        Args:
            user: the name of the user.
            content: the bytes of the backup, in any pieces. Holds a few MiB of them at a time.
            announced_bytes: the size of the content, if it is known.
            now: the current time.

        Raises:
            InvalidRequest: there are no bytes, or they take too long to arrive.
            QuotaExceeded: the content is larger than the quota; before it is read if possible.
            DependencyUnavailable: the place is unavailable.
        """
        self._check_quota(announced_bytes or 0)
        try:
            outcome = await self._store(user, content, now)
        except DependencyUnavailable:
            add(BACKUPS, 1, outcome="failed")
            logger.error("backup failed: the storage is unavailable")  # noqa: TRY400 - logged where it is raised
            raise
        add(BACKUPS, 1, outcome=outcome)

    async def list(self, user: str) -> Sequence[Backup]:
        """Return the backups of a user, newest first, about 1,000 at most."""
        return await self._place.list(user)

    async def get(self, user: str, backup_id: str) -> Backup:
        """Return a backup. Raises NotFound for an unknown or invalid id."""
        backup = None if time_of(backup_id) is None else await self._place.find(user, backup_id)
        if backup is None:
            raise NotFound("no such backup")
        return backup

    async def get_latest(self, user: str) -> Backup:
        """Return the newest backup. Raises NotFound if the user has none."""
        for backup in await self._place.list(user):
            return backup
        raise NotFound("this user has no backup")

    def read(self, user: str, backup: Backup, start: int, stop: int) -> AsyncGenerator[bytes, None]:
        """Yield a part of the content, as `BackupPlace.read` describes it."""
        return self._place.read(user, backup, start, stop)

    async def delete(self, user: str, backup_id: str) -> None:
        """Delete a backup. Raises NotFound for an unknown or invalid id."""
        if time_of(backup_id) is None or not await self._place.delete(user, backup_id):
            raise NotFound("no such backup")

    async def check(self) -> None:
        """Return if the place is available."""
        await self._place.check()

    async def _store(self, user: str, content: AsyncIterator[bytes], now: datetime) -> str:
        created_at = _after(await self._place.list(user), now)
        backup_id = new_id(created_at)
        async with self._place.write(user, backup_id) as writer:
            digest, size_bytes = hashlib.sha256(), 0
            try:
                async with asyncio.timeout(self.upload_timeout_s):
                    async for part in in_parts(content, PART_BYTES):
                        size_bytes += len(part)
                        self._check_quota(size_bytes)
                        digest.update(part)
                        await writer.write(part)
            except TimeoutError:
                raise InvalidRequest("the upload took too long") from None
            if not size_bytes:
                raise InvalidRequest("the backup is empty")
            sha256 = digest.hexdigest()
            # Read again: the app can send the same backup twice at a time.
            backups = await self._place.list(user)
            if backups and backups[0].sha256 == sha256:
                return "unchanged"
            await writer.complete(sha256)
        stored = Backup(backup_id, created_at, size_bytes, sha256)
        await self._delete_expired(user, [stored, *backups], backup_id, now)
        return "stored"

    async def _delete_expired(
        self, user: str, backups: Sequence[Backup], new: str, now: datetime
    ) -> None:
        expired = self._retention.expired(backups, new, now)
        try:
            for first in range(0, len(expired), _CONCURRENT_DELETIONS):
                some = expired[first : first + _CONCURRENT_DELETIONS]
                await asyncio.gather(*(self._place.delete(user, each.id) for each in some))
        except DependencyUnavailable:
            # The new backup is stored. The next upload deletes the rest.
            logger.warning("expired backups were not deleted")

    def _check_quota(self, size_bytes: int) -> None:
        if size_bytes > self._retention.quota_bytes:
            raise QuotaExceeded("the backup is larger than the quota of a user")


def _after(backups: Sequence[Backup], now: datetime) -> datetime:
    """Return `now`, or the time after the newest backup if the clock was set back."""
    return max([now, *(each.created_at + _MICROSECOND for each in backups[:1])])
