"""The interface of a place, on each place."""

from datetime import timedelta
from hashlib import sha256

import pytest

from scripts.fakes.cloud_storage import CloudStorage
from shared.backups.names import new_id
from shared.backups.place import PART_BYTES, BackupPlace
from shared.errors import NotFound
from tests.fakes import RunningFake
from tests.shared.backups.content import AT, content_of, get, put

CHUNK = 64 * 1024
SIZES = [
    1, 100, CHUNK - 1, CHUNK, CHUNK + 1, PART_BYTES - 1, PART_BYTES, PART_BYTES + 1,
    3 * PART_BYTES + 17,
]  # fmt: skip
USERS = ["default", "Alice", "alice@example.com", "../../etc", "Ä 💪/\n", ".", "x" * 5000]


@pytest.mark.parametrize("size", SIZES)
async def test_backup_is_read_as_it_was_stored(place: BackupPlace, size: int) -> None:
    content = content_of(size)
    backup = await put(place, "default", content)
    assert (backup.size_bytes, backup.created_at) == (size, AT)
    assert backup.sha256 == sha256(content).hexdigest()
    assert await get(place, "default", backup) == content


@pytest.mark.parametrize("user", USERS, ids=lambda user: ascii(user[:20]))
async def test_users_have_separate_backups(place: BackupPlace, user: str) -> None:
    mine = await put(place, user, b"mine")
    other = await put(place, f"{user}-other", b"other")
    assert await place.list(user) == [mine]
    assert await get(place, user, mine) == b"mine"
    assert await place.find(user, other.id) is None
    assert not await place.delete(user, other.id)
    with pytest.raises(NotFound):
        await get(place, user, other)


async def test_unknown_user_has_no_backups(place: BackupPlace) -> None:
    assert await place.list("nobody") == []
    assert await place.find("nobody", new_id(AT)) is None
    assert not await place.delete("nobody", new_id(AT))


async def test_list_is_newest_first(place: BackupPlace) -> None:
    times = [AT + timedelta(seconds=each) for each in (5, 1, 9, 3)]
    stored = [await put(place, "default", b"x", at) for at in times]
    expected = sorted(stored, key=lambda backup: backup.created_at, reverse=True)
    assert await place.list("default") == expected


@pytest.mark.parametrize(
    ("start", "stop"),
    [
        (0, 1),
        (10, 20),
        (CHUNK - 1, CHUNK + 1),
        (CHUNK, 2 * CHUNK),
        (2 * CHUNK + 5, 5 * CHUNK + 6),
        (PART_BYTES, 2 * PART_BYTES + 99),
        (2 * PART_BYTES + 98, 2 * PART_BYTES + 99),
    ],
)
async def test_range_is_read(place: BackupPlace, start: int, stop: int) -> None:
    content = content_of(2 * PART_BYTES + 99)
    backup = await put(place, "default", content)
    assert await get(place, "default", backup, start, stop) == content[start:stop]


async def test_incomplete_backup_is_not_visible(place: BackupPlace) -> None:
    backup_id = new_id(AT)
    async with place.write("default", backup_id) as writer:
        for _ in range(3):
            await writer.write(content_of(PART_BYTES))
        assert await place.list("default") == []
        assert await place.find("default", backup_id) is None
    assert await place.list("default") == []


async def test_error_during_upload_leaves_nothing(
    place: BackupPlace, fake_cloud_storage: RunningFake[CloudStorage]
) -> None:
    async def interrupted() -> None:
        async with place.write("default", new_id(AT)) as writer:
            for _ in range(3):
                await writer.write(content_of(PART_BYTES))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await interrupted()
    assert await place.list("default") == []
    assert fake_cloud_storage.fake.sessions == {}


async def test_deleted_backup_is_gone(place: BackupPlace) -> None:
    backup = await put(place, "default", b"content")
    assert await place.delete("default", backup.id)
    assert await place.list("default") == []
    assert not await place.delete("default", backup.id)
    with pytest.raises(NotFound):
        await get(place, "default", backup)


async def test_open_download_can_be_closed(place: BackupPlace) -> None:
    backup = await put(place, "default", content_of(3 * PART_BYTES))
    reading = place.read("default", backup, 0, backup.size_bytes)
    assert await anext(reading)
    await reading.aclose()


async def test_check_passes(place: BackupPlace) -> None:
    await place.check()
