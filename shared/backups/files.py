"""The files of backups, plain or encrypted. All functions and methods block."""

import os
from collections.abc import Generator
from pathlib import Path
from typing import BinaryIO, Protocol

from shared.backups import encryption
from shared.backups.encryption import CHUNK_BYTES, FileCipher

_READ_BYTES = 256 * 1024
_FILE_MODE = 0o600
_FOLDER_MODE = 0o700


class FileWriter(Protocol):
    """Writes the content of one file."""

    def write(self, part: bytes) -> None:
        """Append bytes."""

    def finish(self) -> None:
        """Write the end of the content, and wait until all of it is on the disk."""


class PlainWriter:
    """Writes a file as it is."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def write(self, part: bytes) -> None:
        """Append bytes."""
        self._file.write(part)

    def finish(self) -> None:
        """Wait until the file is on the disk."""
        self._file.flush()
        os.fsync(self._file.fileno())


class EncryptedWriter:
    """Writes an encrypted file."""

    def __init__(self, file: BinaryIO, key: bytes, name: str) -> None:
        header = encryption.new_header()
        self._plain = PlainWriter(file)
        self._cipher = FileCipher(key, name, header)
        self._pending = bytearray()
        self._number = 0
        self._plain.write(header)

    def write(self, part: bytes) -> None:
        """Append bytes. The last chunk is written by `finish`."""
        self._pending += part
        # A full chunk waits for the next byte: it may be the last one, which has a mark.
        while len(self._pending) > CHUNK_BYTES:
            chunk = bytes(self._pending[:CHUNK_BYTES])
            del self._pending[:CHUNK_BYTES]
            self._plain.write(self._cipher.seal(self._number, chunk, is_last=False))
            self._number += 1

    def finish(self) -> None:
        """Write the last chunk, and wait until the file is on the disk."""
        self._plain.write(self._cipher.seal(self._number, bytes(self._pending), is_last=True))
        self._plain.finish()


def read_plain(path: Path, start: int, stop: int) -> Generator[bytes, None, None]:
    """Yield the bytes of a file from `start` up to `stop`. Raises OSError."""
    # Without a buffer: each read is larger than the buffer would be.
    with path.open("rb", buffering=0) as file:
        file.seek(start)
        while start < stop:
            piece = file.read(min(_READ_BYTES, stop - start))
            if not piece:
                raise encryption.DamagedFileError("the file is truncated")
            start += len(piece)
            yield piece


def read_encrypted(
    path: Path, key: bytes, name: str, start: int, stop: int
) -> Generator[bytes, None, None]:
    """Yield the bytes of the content from `start` up to `stop`; decrypt only their chunks.

    The last chunk is decrypted, too. It proves that the file is not truncated.

    Raises:
        DamagedFileError: the file is damaged, or its key is another one. OSError passes through.
    """
    with path.open("rb") as file:
        cipher = FileCipher(key, name, file.read(encryption.HEADER_BYTES))
        last = encryption.last_chunk(os.fstat(file.fileno()).st_size)
        _opened(file, cipher, last, is_last=True)
        while start < stop:
            number, skipped = divmod(start, CHUNK_BYTES)
            piece = _opened(file, cipher, number, is_last=number == last)
            piece = piece[skipped : skipped + stop - start]
            if not piece:
                raise encryption.DamagedFileError("the file is truncated")
            start += len(piece)
            yield piece


def _opened(file: BinaryIO, cipher: FileCipher, number: int, *, is_last: bool) -> bytes:
    file.seek(encryption.chunk_position(number))
    return cipher.open(number, file.read(encryption.SEALED_CHUNK_BYTES), is_last=is_last)


def fsync_folder(path: Path) -> None:
    """Wait until the names of the files in a folder are on the disk."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def create_folder(path: Path) -> None:
    """Create a folder that only this user may read, durably, if it does not exist."""
    if path.is_dir():
        return
    # Two uploads can create the folder of a user at the same time.
    path.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
    fsync_folder(path.parent)


def create(path: Path) -> BinaryIO:
    """Create a file that only this user may read. Raises FileExistsError."""
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _FILE_MODE), "wb")
