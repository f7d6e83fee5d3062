"""A backup that is being written to a file, and that is visible only when it is complete."""

import os
import time
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, Self
from uuid import uuid4

from shared.backups.files import (
    EncryptedWriter,
    FileWriter,
    PlainWriter,
    create,
    create_folder,
    fsync_folder,
)
from shared.backups.threads import FileThreads

ENCRYPTED = ".enc"
INCOMPLETE = ".incomplete"
"""The folder of incomplete files. No user's folder begins with a dot."""

_LEFTOVER_AGE_S = 3600
"""An upload takes less time, so an older incomplete file has no writer."""


class BackupFileWriter:
    """Writes to a temporary file, which `complete` renames. Create it with `begin`."""

    def __init__(
        self, threads: FileThreads, file: BinaryIO, temporary: Path, final: Path, writer: FileWriter
    ) -> None:
        self._threads = threads
        self._file = file
        self._temporary = temporary
        self._final = final
        self._writer = writer

    @classmethod
    def begin(cls, threads: FileThreads, folder: Path, backup_id: str, key: bytes | None) -> Self:
        """Create the temporary file, and delete those of killed processes. Blocks."""
        incomplete = folder.parent / INCOMPLETE
        create_folder(folder.parent)
        create_folder(incomplete)
        _delete_leftovers(incomplete)
        create_folder(folder)
        temporary = incomplete / uuid4().hex
        file = create(temporary)
        if key is None:
            return cls(threads, file, temporary, folder / backup_id, PlainWriter(file))
        writer = EncryptedWriter(file, key, encrypted_name(folder.name, backup_id))
        return cls(threads, file, temporary, folder / backup_id, writer)

    async def write(self, part: bytes) -> None:
        """Append bytes."""
        await self._threads.run(lambda: self._writer.write(part))

    async def complete(self, sha256: str) -> None:
        """Make the backup visible. It is on the disk when this method returns."""
        await self._threads.run(lambda: self._complete(sha256))

    def close(self) -> None:
        """Close the file, and delete it if it is not complete."""
        # Not in a thread: the request may be cancelled, and this takes no time.
        with suppress(OSError):  # on a full disk, `close` fails after it has closed the file
            self._file.close()
        with suppress(OSError):
            self._temporary.unlink()

    def _complete(self, sha256: str) -> None:
        self._writer.finish()
        end = ENCRYPTED if isinstance(self._writer, EncryptedWriter) else ""
        self._temporary.replace(self._final.with_name(f"{self._final.name}.{sha256}.gz{end}"))
        fsync_folder(self._final.parent)


def encrypted_name(folder: str, backup_id: str) -> str:
    """Return the name that an encrypted file is bound to."""
    return f"{folder}/{backup_id}"


def _delete_leftovers(incomplete: Path) -> None:
    oldest = time.time() - _LEFTOVER_AGE_S
    with os.scandir(incomplete) as entries:
        for entry in entries:
            with suppress(FileNotFoundError):  # another process deletes it, too
                if entry.stat().st_mtime < oldest:
                    Path(entry.path).unlink()
