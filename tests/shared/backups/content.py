"""Contents of backups, and backups in places."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from hashlib import sha256

from shared.backups.names import new_id
from shared.backups.place import PART_BYTES, Backup, BackupPlace

AT = datetime(2026, 11, 27, 12, tzinfo=UTC)


def content_of(size_bytes: int, seed: int = 0) -> bytes:
    """Return bytes that differ at each position of a part or chunk."""
    block = sha256(seed.to_bytes(4, "big")).digest() + bytes(range(251))
    return (block * (size_bytes // len(block) + 1))[:size_bytes]


async def pieces(content: bytes, piece_bytes: int = 65_536) -> AsyncIterator[bytes]:
    """Yield a content as a server receives it."""
    for start in range(0, len(content), piece_bytes):
        yield content[start : start + piece_bytes]


async def put(place: BackupPlace, user: str, content: bytes, at: datetime = AT) -> Backup:
    """Store a backup, and return it as the place lists it."""
    backup_id = new_id(at)
    async with place.write(user, backup_id) as writer:
        for start in range(0, len(content), PART_BYTES):
            await writer.write(content[start : start + PART_BYTES])
        await writer.complete(sha256(content).hexdigest())
    backup = await place.find(user, backup_id)
    assert backup is not None
    return backup


async def get(
    place: BackupPlace, user: str, backup: Backup, start: int = 0, stop: int | None = None
) -> bytes:
    """Read a backup, or a part of it."""
    end = backup.size_bytes if stop is None else stop
    return b"".join([piece async for piece in place.read(user, backup, start, end)])
