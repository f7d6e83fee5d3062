"""Backups as objects of a bucket: `<user>/<id>.gz`."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager

from shared.backups.cloud_storage import CloudStorage, JsonObject
from shared.backups.names import path_segment, time_of
from shared.backups.place import Backup
from shared.backups.resumable_upload import SHA256, ResumableUpload
from shared.backups.storage_requests import failed
from shared.errors import NotFound

_END = ".gz"
_PAGE_SIZE = 1000
# A user has about one page: each upload deletes what exceeds the maximum.
_MAX_PAGES = 10


class Bucket:
    """The place of backups on Google Cloud."""

    def __init__(self, storage: CloudStorage) -> None:
        self._storage = storage

    async def list(self, user: str) -> list[Backup]:
        """Return the complete backups of a user, newest first."""
        prefix = f"{path_segment(user)}/"
        backups: list[Backup] = []
        page_token = None
        for _ in range(_MAX_PAGES):
            page = await self._storage.list(prefix, page_token, _PAGE_SIZE)
            found = (_backup(item, prefix) for item in page.get("items", ()))
            backups += (backup for backup in found if backup is not None)
            page_token = page.get("nextPageToken")
            if page_token is None:
                return sorted(backups, key=lambda backup: backup.id, reverse=True)
        raise failed("a user has too many objects")

    async def find(self, user: str, backup_id: str) -> Backup | None:
        """Return a backup; None if it does not exist."""
        found = await self._storage.find(_name(user, backup_id))
        return None if found is None else _backup(found, f"{path_segment(user)}/")

    @asynccontextmanager
    async def write(self, user: str, backup_id: str) -> AsyncIterator[ResumableUpload]:
        """Begin a backup. At the end of the block, nothing remains of an incomplete one."""
        upload = ResumableUpload(self._storage, _name(user, backup_id))
        try:
            yield upload
        finally:
            await upload.discard()

    async def read(
        self, user: str, backup: Backup, start: int, stop: int
    ) -> AsyncGenerator[bytes, None]:
        """Yield the bytes from `start` up to `stop`."""
        pieces = self._storage.read(_name(user, backup.id), start, stop)
        is_empty = True
        try:
            async for piece in pieces:
                is_empty = False
                yield piece
        finally:
            await pieces.aclose()
        if is_empty:
            raise NotFound("no such backup")

    async def delete(self, user: str, backup_id: str) -> bool:
        """Delete a backup; return False if it does not exist."""
        return await self._storage.delete(_name(user, backup_id))

    async def check(self) -> None:
        """Return if the bucket is available."""
        # No user's objects begin with a dot.
        await self._storage.list(".", None, 1)


def _name(user: str, backup_id: str) -> str:
    return f"{path_segment(user)}/{backup_id}{_END}"


def _backup(properties: JsonObject, prefix: str) -> Backup | None:
    """Return the backup in an object; None if the object is not a backup."""
    backup_id = properties["name"].removeprefix(prefix).removesuffix(_END)
    created_at = time_of(backup_id)
    if created_at is None:
        return None
    # Cloud Storage writes sizes as text.
    sha256 = properties.get("metadata", {}).get(SHA256)
    return Backup(backup_id, created_at, int(properties["size"]), sha256)
