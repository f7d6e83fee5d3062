"""Backups as files in a folder: `<user>/<id>.<SHA-256>.gz`, with `.enc` at the end if encrypted."""

import errno
import os
import re
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Generator, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from shared.backups import encryption
from shared.backups.file_writer import ENCRYPTED, BackupFileWriter, encrypted_name
from shared.backups.files import create_folder, fsync_folder, read_encrypted, read_plain
from shared.backups.names import path_segment, time_of
from shared.backups.place import Backup
from shared.backups.threads import FileThreads, damaged
from shared.errors import NotFound

Key = Callable[[], Awaitable[bytes]]

_NAME = re.compile(r"([0-9-]{22}-[0-9a-f]{12})\.([0-9a-f]{64})\.gz(\.enc)?", re.ASCII)


class _Stored(NamedTuple):
    """A backup and its file."""

    backup: Backup
    path: Path

    @property
    def is_encrypted(self) -> bool:
        """Whether the file is encrypted. The content of a plain file can have any beginning."""
        return self.path.suffix == ENCRYPTED


class Folder:
    """The place of backups on one machine.

    Args:
        path: the folder. It is created if it does not exist.
        key: returns the key that encrypts new backups; None if they are not encrypted.
    """

    def __init__(self, path: Path, key: Key | None = None) -> None:
        self._path = path
        self._key = key
        self._threads = FileThreads()

    async def list(self, user: str) -> list[Backup]:
        """Return the complete backups of a user, newest first."""
        found = await self._threads.run(lambda: [each.backup for each in self._stored(user)])
        # Ids begin with the time, so they sort by it.
        return sorted(found, key=lambda backup: backup.id, reverse=True)

    async def find(self, user: str, backup_id: str) -> Backup | None:
        """Return a backup; None if it does not exist."""
        found = await self._threads.run(lambda: self._find(user, backup_id))
        return None if found is None else found.backup

    @asynccontextmanager
    async def write(self, user: str, backup_id: str) -> AsyncIterator[BackupFileWriter]:
        """Begin a backup. At the end of the block, nothing remains of an incomplete one."""
        key = None if self._key is None else await self._key()
        folder = self._path / path_segment(user)
        writer = await self._threads.run(
            lambda: BackupFileWriter.begin(self._threads, folder, backup_id, key)
        )
        try:
            yield writer
        finally:
            writer.close()

    async def read(
        self, user: str, backup: Backup, start: int, stop: int
    ) -> AsyncGenerator[bytes, None]:
        """Yield the bytes from `start` up to `stop`."""
        found = await self._threads.run(lambda: self._find(user, backup.id))
        if found is None:
            raise NotFound("no such backup")
        pieces = await self._pieces(user, found, start, stop)
        try:
            while (piece := await self._threads.run(lambda: next(pieces, None))) is not None:
                yield piece
        finally:
            # The client can disconnect before the end. The file must not stay open.
            pieces.close()

    async def delete(self, user: str, backup_id: str) -> bool:
        """Delete a backup; return False if it does not exist."""
        return await self._threads.run(lambda: self._delete(user, backup_id))

    async def check(self) -> None:
        """Return if the folder is writable and the key is available."""
        if self._key is not None:
            await self._key()
        await self._threads.run(self._check)

    async def _pieces(
        self, user: str, stored: _Stored, start: int, stop: int
    ) -> Generator[bytes, None, None]:
        if not stored.is_encrypted:
            return read_plain(stored.path, start, stop)
        if self._key is None:
            raise damaged("it is encrypted, and BACKUP_ENCRYPTION_KEY is not set")
        name = encrypted_name(path_segment(user), stored.backup.id)
        return read_encrypted(stored.path, await self._key(), name, start, stop)

    def _find(self, user: str, backup_id: str) -> _Stored | None:
        # A scan, because the name of the file also contains the hash.
        return next((each for each in self._stored(user) if each.backup.id == backup_id), None)

    def _stored(self, user: str) -> Iterator[_Stored]:
        """Yield the complete backups of a user, in no order."""
        with suppress(FileNotFoundError), os.scandir(self._path / path_segment(user)) as entries:
            for entry in entries:
                found = _NAME.fullmatch(entry.name)
                created_at = None if found is None else time_of(found[1])
                if found is None or created_at is None:
                    continue
                with suppress(FileNotFoundError):  # deleted since the start of the scan
                    size = entry.stat().st_size
                    content_bytes = encryption.plain_bytes(size) if found[3] else size
                    backup = Backup(found[1], created_at, content_bytes, found[2])
                    yield _Stored(backup, Path(entry.path))

    def _delete(self, user: str, backup_id: str) -> bool:
        found = self._find(user, backup_id)
        if found is None:
            return False
        found.path.unlink(missing_ok=True)
        # Otherwise a power cut could bring the deleted backup back.
        fsync_folder(found.path.parent)
        return True

    def _check(self) -> None:
        create_folder(self._path)
        if not os.access(self._path, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, "not writable")
