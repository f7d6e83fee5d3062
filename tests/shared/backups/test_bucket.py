"""Calls to Cloud Storage: retries, resumed uploads, pages, access tokens and failures."""

import logging
from datetime import timedelta
from pathlib import Path

import httpx2
import pytest

from scripts.fakes import google
from scripts.fakes.cloud_storage import BUCKET, CloudStorage, StoredObject
from scripts.fakes.faults import Fault
from shared.backups.bucket import Bucket
from shared.backups.cloud_storage import CloudStorage as Api
from shared.backups.names import new_id
from shared.backups.place import PART_BYTES
from shared.backups.storage_requests import MAX_ATTEMPTS, StorageRequests
from shared.clients.google_token import GoogleAccessToken
from shared.errors import DependencyTimedOut, DependencyUnavailable
from tests.fakes import RunningFake
from tests.shared.backups.content import AT, content_of, get, put

USER = "secret-user"
CONTENT = content_of(3 * PART_BYTES + 100)
Fake = RunningFake[CloudStorage]

PASSING = {
    "unavailable": Fault(503),
    "too many requests": Fault(429),
    "cut": Fault(is_cut=True),
    "lost response": Fault(is_lost=True),
}


async def no_pause(_attempt: int) -> None:
    """Replace the wait between two attempts."""


@pytest.fixture(autouse=True)
def without_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.backups.storage_requests.pause", no_pause)
    monkeypatch.setattr("shared.backups.resumable_upload.pause", no_pause)


@pytest.mark.parametrize("fault", PASSING.values(), ids=PASSING)
@pytest.mark.parametrize("call", range(1, 5), ids=lambda call: f"call {call}")
async def test_upload_survives_a_passing_fault(
    bucket: Bucket, fake_cloud_storage: Fake, fault: Fault, call: int
) -> None:
    server = fake_cloud_storage.server
    backup_id = new_id(AT)
    async with bucket.write(USER, backup_id) as writer:
        for number, start in enumerate(range(0, len(CONTENT), PART_BYTES), 1):
            if number == call:
                server.faults.append(fault)
            await writer.write(CONTENT[start : start + PART_BYTES])
        await writer.complete("00")
    assert not server.faults
    [backup] = await bucket.list(USER)
    assert (backup.id, backup.sha256) == (backup_id, "00")
    assert await get(bucket, USER, backup) == CONTENT


async def test_lost_response_to_last_part_is_recovered(
    bucket: Bucket, fake_cloud_storage: Fake
) -> None:
    async with bucket.write(USER, new_id(AT)) as writer:
        await writer.write(CONTENT[:PART_BYTES])
        await writer.write(b"end")
        fake_cloud_storage.server.faults.append(Fault(is_lost=True))
        await writer.complete("00")
    [backup] = await bucket.list(USER)
    assert backup.size_bytes == PART_BYTES + 3


async def test_unstored_bytes_of_a_part_are_sent_again(
    bucket: Bucket, fake_cloud_storage: Fake
) -> None:
    fake_cloud_storage.fake.unstored_bytes = 512 * 1024
    backup = await put(bucket, USER, CONTENT)
    assert await get(bucket, USER, backup) == CONTENT


async def test_lasting_outage_fails_the_upload(
    bucket: Bucket, fake_cloud_storage: Fake, caplog: pytest.LogCaptureFixture
) -> None:
    fake_cloud_storage.server.faults += [Fault(503)] * MAX_ATTEMPTS
    with pytest.raises(DependencyUnavailable) as failed:
        await put(bucket, USER, CONTENT)
    assert type(failed.value) is DependencyUnavailable
    assert "Cloud Storage: status 503" in caplog.text
    assert fake_cloud_storage.fake.objects == {}


async def test_silence_is_a_timeout(fake_cloud_storage: Fake, outgoing: httpx2.AsyncClient) -> None:
    requests = StorageRequests(outgoing, None, timeout_s=0.05)
    bucket = Bucket(Api(fake_cloud_storage.url, BUCKET, requests))
    fake_cloud_storage.server.faults += [Fault(is_silent=True)] * MAX_ATTEMPTS
    with pytest.raises(DependencyTimedOut):
        await bucket.list(USER)


@pytest.mark.parametrize("status", [401, 403])
async def test_denied_access_is_not_repeated(
    bucket: Bucket, fake_cloud_storage: Fake, caplog: pytest.LogCaptureFixture, status: int
) -> None:
    fake_cloud_storage.server.faults.append(Fault(status))
    with pytest.raises(DependencyUnavailable):
        await bucket.list(USER)
    assert fake_cloud_storage.server.calls == 1
    assert f"our access is denied ({status})" in caplog.text


async def test_unknown_bucket_is_an_outage(
    fake_cloud_storage: Fake, outgoing: httpx2.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    bucket = Bucket(Api(fake_cloud_storage.url, "nowhere", StorageRequests(outgoing, None, 60)))
    with pytest.raises(DependencyUnavailable):
        await bucket.check()
    with pytest.raises(DependencyUnavailable):
        await put(bucket, USER, CONTENT)
    assert "the bucket does not exist" in caplog.text


async def test_backup_without_stored_hash_is_complete(
    bucket: Bucket, fake_cloud_storage: Fake, caplog: pytest.LogCaptureFixture
) -> None:
    fake_cloud_storage.fake.rejects_metadata = True
    backup = await put(bucket, USER, CONTENT)
    assert backup.sha256 is None
    assert await get(bucket, USER, backup) == CONTENT
    assert "the hash of a backup was not stored" in caplog.text


async def test_long_lists_come_in_pages(bucket: Bucket, fake_cloud_storage: Fake) -> None:
    fake_cloud_storage.fake.max_page_size = 3
    stored = [await put(bucket, USER, b"x", AT + timedelta(seconds=each)) for each in range(8)]
    await put(bucket, USER + "2", b"x")
    assert await bucket.list(USER) == stored[::-1]


async def test_list_without_end_fails(bucket: Bucket, fake_cloud_storage: Fake) -> None:
    fake_cloud_storage.fake.max_page_size = 1
    for _ in range(11):
        await put(bucket, USER, b"x")
    with pytest.raises(DependencyUnavailable):
        await bucket.list(USER)


async def test_foreign_objects_are_ignored(bucket: Bucket, fake_cloud_storage: Fake) -> None:
    name = f"{USER}/notes.txt"
    fake_cloud_storage.fake.objects[name] = StoredObject(name, b"x", "text/plain")
    assert await bucket.list(USER) == []


async def test_cancelled_session_is_deleted(bucket: Bucket, fake_cloud_storage: Fake) -> None:
    async with bucket.write(USER, new_id(AT)) as writer:
        await writer.write(content_of(PART_BYTES))
        await writer.write(content_of(PART_BYTES))
        assert len(fake_cloud_storage.fake.sessions) == 1
    assert fake_cloud_storage.fake.sessions == {}


async def test_objects_have_the_type_of_gzip(bucket: Bucket, fake_cloud_storage: Fake) -> None:
    backup = await put(bucket, "a@b", b"content")
    [stored] = fake_cloud_storage.fake.objects.values()
    assert (stored.name, stored.content_type) == (f"a%40b/{backup.id}.gz", "application/gzip")
    assert stored.metadata == {"sha256": backup.sha256}


async def test_requests_have_an_access_token(
    fake_cloud_storage: Fake, outgoing: httpx2.AsyncClient, service_account_file: Path
) -> None:
    fake_cloud_storage.fake.access_token = google.ACCESS_TOKEN
    requests = StorageRequests(outgoing, GoogleAccessToken("https://scope", 60), 60)
    bucket = Bucket(Api(fake_cloud_storage.url, BUCKET, requests))
    backup = await put(bucket, USER, CONTENT)
    assert await get(bucket, USER, backup) == CONTENT
    assert await bucket.delete(USER, backup.id)


async def test_missing_access_token_is_an_outage(
    fake_cloud_storage: Fake,
    outgoing: httpx2.AsyncClient,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", "/nowhere")
    requests = StorageRequests(outgoing, GoogleAccessToken("https://scope", 60), 60)
    with pytest.raises(DependencyUnavailable):
        await Bucket(Api(fake_cloud_storage.url, BUCKET, requests)).list(USER)
    assert "no access token" in caplog.text


async def test_log_does_not_name_the_user(
    bucket: Bucket, fake_cloud_storage: Fake, caplog: pytest.LogCaptureFixture
) -> None:
    fake_cloud_storage.server.faults += [Fault(is_cut=True)] * MAX_ATTEMPTS
    with caplog.at_level(logging.DEBUG, "shared"), pytest.raises(DependencyUnavailable) as failed:
        await put(bucket, USER, CONTENT)
    assert USER not in caplog.text
    assert USER not in str(failed.value)
