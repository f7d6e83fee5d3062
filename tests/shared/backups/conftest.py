"""The places of backups, as a parameter."""

from pathlib import Path

import httpx2
import pytest

from scripts.fakes.cloud_storage import BUCKET, CloudStorage
from shared.backups.bucket import Bucket
from shared.backups.cloud_storage import CloudStorage as Api
from shared.backups.folder import Folder
from shared.backups.place import BackupPlace
from shared.backups.storage_requests import StorageRequests
from tests.fakes import RunningFake

KEY = bytes(range(32))


async def key() -> bytes:
    return KEY


@pytest.fixture
def bucket(fake_cloud_storage: RunningFake[CloudStorage], outgoing: httpx2.AsyncClient) -> Bucket:
    return Bucket(Api(fake_cloud_storage.url, BUCKET, StorageRequests(outgoing, None, 60)))


@pytest.fixture(params=["folder", "encrypted folder", "bucket"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> BackupPlace:
    """Each place in turn."""
    if request.param == "bucket":
        found: Bucket = request.getfixturevalue("bucket")
        return found
    return Folder(tmp_path / "backups", key if request.param == "encrypted folder" else None)
