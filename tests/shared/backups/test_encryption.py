"""Encrypted files: tampering, truncation, other keys, and plain files beside them."""

import logging
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from shared.backups.encryption import CHUNK_BYTES, HEADER_BYTES, SEALED_CHUNK_BYTES, plain_bytes
from shared.backups.folder import Folder, Key
from shared.errors import DependencyFailed
from tests.shared.backups.conftest import key
from tests.shared.backups.content import content_of, get, put

CONTENT = content_of(3 * CHUNK_BYTES + 10)
Change = Callable[[bytearray], None]


async def other_key() -> bytes:
    return bytes(32)


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path, key)


def file_of(path: Path, user: str = "default") -> Path:
    """Return the only file of a user."""
    [file] = (path / user).iterdir()
    return file


def swap_chunks(file: bytearray) -> None:
    first = slice(HEADER_BYTES, HEADER_BYTES + SEALED_CHUNK_BYTES)
    second = slice(first.stop, first.stop + SEALED_CHUNK_BYTES)
    file[first], file[second] = file[second], file[first]


def add_byte(file: bytearray) -> None:
    file.append(0)


def repeat_chunk(file: bytearray) -> None:
    file.extend(file[-SEALED_CHUNK_BYTES:])


def cut(size: int) -> Change:
    def change(file: bytearray) -> None:
        del file[size:]

    return change


def flip(position: int) -> Change:
    def change(file: bytearray) -> None:
        file[position] ^= 1

    return change


CHANGES = {
    "magic": flip(0),
    "salt": flip(20),
    "first byte": flip(HEADER_BYTES),
    "last byte": flip(-1),
    "swapped chunks": swap_chunks,
    "one chunk less": cut(HEADER_BYTES + 3 * SEALED_CHUNK_BYTES),
    "one byte less": cut(-1),
    "one byte more": add_byte,
    "only the header": cut(HEADER_BYTES),
    "half a header": cut(10),
    "empty": cut(0),
    "repeated chunk": repeat_chunk,
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
async def test_changed_file_is_rejected(
    folder: Folder, tmp_path: Path, caplog: pytest.LogCaptureFixture, change: Change
) -> None:
    backup = await put(folder, "default", CONTENT)
    content = bytearray(file_of(tmp_path).read_bytes())
    change(content)
    file_of(tmp_path).write_bytes(content)
    with pytest.raises(DependencyFailed, match="invalid response"):
        await get(folder, "default", backup)
    assert "a backup cannot be read" in caplog.text


@pytest.mark.parametrize("name", ["one chunk less", "one byte less"])
async def test_truncation_is_detected_in_any_range(
    folder: Folder, tmp_path: Path, name: str
) -> None:
    backup = await put(folder, "default", CONTENT)
    content = bytearray(file_of(tmp_path).read_bytes())
    CHANGES[name](content)
    file_of(tmp_path).write_bytes(content)
    with pytest.raises(DependencyFailed):
        await get(folder, "default", backup, 0, 10)


async def test_file_of_another_backup_is_rejected(folder: Folder, tmp_path: Path) -> None:
    mine = await put(folder, "default", CONTENT)
    await put(folder, "other", CONTENT)
    shutil.copy(file_of(tmp_path, "other"), file_of(tmp_path))
    with pytest.raises(DependencyFailed):
        await get(folder, "default", mine)


async def test_chunk_of_another_file_is_rejected(folder: Folder, tmp_path: Path) -> None:
    mine = await put(folder, "default", CONTENT)
    await put(folder, "other", CONTENT)
    content = bytearray(file_of(tmp_path).read_bytes())
    chunk = slice(HEADER_BYTES, HEADER_BYTES + SEALED_CHUNK_BYTES)
    content[chunk] = file_of(tmp_path, "other").read_bytes()[chunk]
    file_of(tmp_path).write_bytes(content)
    with pytest.raises(DependencyFailed):
        await get(folder, "default", mine)


@pytest.mark.parametrize("reader_key", [other_key, None], ids=["another key", "no key"])
async def test_file_needs_its_key(folder: Folder, tmp_path: Path, reader_key: Key | None) -> None:
    backup = await put(folder, "default", CONTENT)
    reader = Folder(tmp_path, reader_key)
    assert await reader.list("default") == [backup]
    with pytest.raises(DependencyFailed):
        await get(reader, "default", backup)


@pytest.mark.parametrize(
    "content", [b"plain", b"liftlog-backup-1" + bytes(1000)], ids=["plain", "like a header"]
)
async def test_file_from_before_the_key_is_readable(tmp_path: Path, content: bytes) -> None:
    backup = await put(Folder(tmp_path), "default", content)
    folder = Folder(tmp_path, key)
    assert await folder.list("default") == [backup]
    assert await get(folder, "default", backup) == content
    assert await get(folder, "default", backup, 2, 4) == content[2:4]


async def test_file_shows_neither_content_nor_repetition(folder: Folder, tmp_path: Path) -> None:
    await put(folder, "default", bytes(CHUNK_BYTES * 2))
    file = file_of(tmp_path).read_bytes()
    first = file[HEADER_BYTES : HEADER_BYTES + CHUNK_BYTES]
    second = file[HEADER_BYTES + SEALED_CHUNK_BYTES :][:CHUNK_BYTES]
    assert bytes(16) not in file
    assert first != second


async def test_range_reads_only_its_chunks_and_the_last(folder: Folder, tmp_path: Path) -> None:
    backup = await put(folder, "default", CONTENT)
    content = bytearray(file_of(tmp_path).read_bytes())
    flip(HEADER_BYTES + 2 * SEALED_CHUNK_BYTES)(content)  # the third chunk
    file_of(tmp_path).write_bytes(content)
    stop = 2 * CHUNK_BYTES
    assert await get(folder, "default", backup, 5, stop) == CONTENT[5:stop]
    with pytest.raises(DependencyFailed):
        await get(folder, "default", backup, 5, stop + 1)


@pytest.mark.parametrize("size", [0, 1, HEADER_BYTES, HEADER_BYTES + 3])
def test_size_of_truncated_file_is_not_negative(size: int) -> None:
    assert plain_bytes(size) == 0


async def test_log_does_not_name_the_user(
    folder: Folder, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    user = f"secret-user-{os.urandom(4).hex()}"
    backup = await put(folder, user, CONTENT)
    file_of(tmp_path, user).write_bytes(b"damaged")
    with caplog.at_level(logging.DEBUG), pytest.raises(DependencyFailed) as failed:
        await get(folder, user, backup)
    assert user not in caplog.text
    assert user not in str(failed.value)
