"""Stored once, kept by the rule, and refused by the quota, on each place."""

import asyncio
import logging
from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import pytest

from scripts.fakes.cloud_storage import CloudStorage
from scripts.fakes.faults import Fault
from shared.backups.backups import Backups
from shared.backups.bucket import Bucket
from shared.backups.place import PART_BYTES, Backup, BackupPlace
from shared.backups.retention import Retention
from shared.backups.storage_requests import MAX_ATTEMPTS
from shared.errors import DependencyUnavailable, InvalidRequest, NotFound, QuotaExceeded
from tests.fakes import RunningFake
from tests.shared.backups.content import AT, content_of, pieces

USER = "secret-user"
RETENTION = Retention(keep=3, keep_days=10, quota_bytes=1000, max_backups=5)


@pytest.fixture
def backups(place: BackupPlace) -> Backups:
    return Backups(place, RETENTION)


async def store(backups: Backups, content: bytes, at: datetime = AT) -> None:
    await backups.store(USER, pieces(content), len(content), at)


async def contents(backups: Backups) -> list[bytes]:
    """Return all backups, newest first."""
    return [await content(backups, each) for each in await backups.list(USER)]


async def content(backups: Backups, backup: Backup) -> bytes:
    found = backups.read(USER, backup, 0, backup.size_bytes)
    return b"".join([piece async for piece in found])


async def test_identical_upload_is_stored_once(backups: Backups) -> None:
    for number, each in enumerate([b"one", b"one", b"two", b"one"]):
        await store(backups, each, AT + timedelta(minutes=number))
    assert await contents(backups) == [b"one", b"two", b"one"]


async def test_expired_backups_are_deleted_after_an_upload(backups: Backups) -> None:
    for days in range(0, 60, 20):
        await store(backups, b"%d" % days, AT + timedelta(days=days))
    await store(backups, b"new", AT + timedelta(days=60))
    assert await contents(backups) == [b"new", b"40", b"20"]


async def test_oldest_go_when_quota_is_reached(backups: Backups) -> None:
    for number in range(4):
        await store(backups, bytes([number]) * 300, AT + timedelta(minutes=number))
    await store(backups, b"x" * 500, AT + timedelta(hours=1))
    assert [len(each) for each in await contents(backups)] == [500, 300]


async def test_number_of_recent_backups_is_bounded(backups: Backups) -> None:
    for number in range(8):
        await store(backups, bytes([number]), AT + timedelta(minutes=number))
    assert await contents(backups) == [bytes([number]) for number in (7, 6, 5, 4, 3)]


async def test_upload_is_the_newest_after_clock_was_set_back(backups: Backups) -> None:
    await store(backups, b"first", AT)
    await store(backups, b"second", AT - timedelta(days=1))
    assert await contents(backups) == [b"second", b"first"]
    assert await content(backups, await backups.get_latest(USER)) == b"second"


async def test_announced_size_over_quota_is_refused_unread(backups: Backups) -> None:
    unread = pieces(b"content")
    with pytest.raises(QuotaExceeded):
        await backups.store(USER, unread, 1001, AT)
    assert await anext(unread) == b"content"


async def test_size_over_quota_is_refused_without_announcement(backups: Backups) -> None:
    await store(backups, b"kept")
    with pytest.raises(QuotaExceeded):
        await backups.store(USER, pieces(content_of(1001)), None, AT)
    await store(backups, content_of(996), AT + timedelta(minutes=1))
    assert [len(each) for each in await contents(backups)] == [996, 4]


async def test_empty_upload_is_rejected(backups: Backups) -> None:
    with pytest.raises(InvalidRequest, match="empty"):
        await store(backups, b"")
    assert await contents(backups) == []


async def test_slow_upload_is_ended(backups: Backups) -> None:
    async def endless() -> AsyncIterator[bytes]:
        yield b"x"
        await asyncio.Event().wait()

    backups.upload_timeout_s = 0.01
    with pytest.raises(InvalidRequest, match="too long"):
        await backups.store(USER, endless(), None, AT)
    assert await contents(backups) == []


@pytest.mark.parametrize("backup_id", ["", "..", "latest", "20261127-120000-000000-0123456789ab"])
async def test_unknown_id_is_not_found(backups: Backups, backup_id: str) -> None:
    await store(backups, b"content")
    with pytest.raises(NotFound):
        await backups.get(USER, backup_id)
    with pytest.raises(NotFound):
        await backups.delete(USER, backup_id)
    assert await contents(backups) == [b"content"]


async def test_user_without_backups_has_no_latest(backups: Backups) -> None:
    with pytest.raises(NotFound):
        await backups.get_latest(USER)


async def test_concurrent_uploads_are_all_stored(place: BackupPlace) -> None:
    backups = Backups(place, Retention(30, 90, 1024**3, 1000))
    stored = [content_of(2 * PART_BYTES + number, number) for number in range(8)]
    await asyncio.gather(*(store(backups, each) for each in stored))
    assert sorted(await contents(backups)) == sorted(stored)


async def test_failed_upload_is_logged_for_an_alert(
    bucket: Bucket,
    fake_cloud_storage: RunningFake[CloudStorage],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def no_pause(_attempt: int) -> None:
        pass

    monkeypatch.setattr("shared.backups.storage_requests.pause", no_pause)
    fake_cloud_storage.server.faults += [Fault(503)] * MAX_ATTEMPTS
    with pytest.raises(DependencyUnavailable):
        await store(Backups(bucket, RETENTION), b"content")
    [record] = [each for each in caplog.records if each.name == "shared.backups"]
    assert record.levelno == logging.ERROR
    assert record.getMessage().startswith("backup failed")
    assert USER not in caplog.text


async def test_backup_is_stored_when_old_ones_cannot_be_deleted(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    backups = Backups(bucket, Retention(1, 0, 1000, 5))

    async def unavailable(_user: str, _backup_id: str) -> bool:
        raise DependencyUnavailable("the storage", 1)

    await store(backups, b"old")
    with monkeypatch.context() as patch:
        patch.setattr(bucket, "delete", unavailable)
        await store(backups, b"new", AT + timedelta(days=1))
    assert await contents(backups) == [b"new", b"old"]
    assert "expired backups were not deleted" in caplog.text
    await store(backups, b"newer", AT + timedelta(days=2))
    assert await contents(backups) == [b"newer"]
