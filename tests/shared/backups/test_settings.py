"""Settings of backups, and the place that they name."""

from base64 import b64encode
from pathlib import Path
from typing import Any

import httpx2
import pytest

from scripts.fakes.cloud_storage import BUCKET, CloudStorage
from shared.backups.backups import Backups
from shared.backups.places import open_backups
from shared.backups.settings import BackupSettings
from shared.clients.secrets import Secrets
from shared.clients.settings import SecretSettings
from shared.errors import DependencyUnavailable
from tests.fakes import RunningFake
from tests.shared.backups.content import AT, pieces
from tests.shared.clients.fake_secret_manager import FakeSecretManager, connected

KEY = b64encode(bytes(range(32))).decode()
REFERENCE = "sm://backup-key"


def settings(**values: Any) -> BackupSettings:
    return BackupSettings.model_validate(values)


def opened(http: httpx2.AsyncClient, chosen: BackupSettings) -> Backups | None:
    return open_backups(chosen, Secrets(SecretSettings(project="p")), http)


async def stored_and_read(backups: Backups | None) -> bytes:
    assert backups is not None
    await backups.store("default", pieces(b"content"), None, AT)
    backup = await backups.get_latest("default")
    return b"".join([piece async for piece in backups.read("default", backup, 0, 7)])


@pytest.mark.parametrize(
    "key", ["short", KEY[:-4], KEY + "AAAA", "!" * 44, KEY.replace("=", "")], ids=range(5)
)
def test_wrong_key_stops_the_start(monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    monkeypatch.setenv("BACKUP_ENCRYPTION_KEY", key)
    with pytest.raises(ValueError, match=r"BACKUP_ENCRYPTION_KEY: .*32 bytes in base64") as failed:
        BackupSettings()
    assert key not in str(failed.value)


async def test_no_place_is_configured_by_default(outgoing: httpx2.AsyncClient) -> None:
    assert opened(outgoing, settings()) is None


async def test_two_places_stop_the_start(outgoing: httpx2.AsyncClient, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="BACKUP_BUCKET or BACKUP_FOLDER"):
        opened(outgoing, settings(bucket=BUCKET, folder=tmp_path))


async def test_folder_is_the_place(outgoing: httpx2.AsyncClient, tmp_path: Path) -> None:
    assert await stored_and_read(opened(outgoing, settings(folder=tmp_path))) == b"content"
    [file] = (tmp_path / "default").iterdir()
    assert file.read_bytes() == b"content"


async def test_folder_is_encrypted_with_the_key(
    outgoing: httpx2.AsyncClient, tmp_path: Path
) -> None:
    chosen = settings(folder=tmp_path, encryption_key=KEY)
    assert await stored_and_read(opened(outgoing, chosen)) == b"content"
    [file] = (tmp_path / "default").iterdir()
    assert file.suffix == ".enc"
    assert b"content" not in file.read_bytes()


@pytest.mark.parametrize("value", [KEY, KEY[1:]], ids=["key", "no key"])
async def test_key_is_read_from_secret_manager(
    outgoing: httpx2.AsyncClient, tmp_path: Path, value: str
) -> None:
    manager = FakeSecretManager()
    manager.secrets["projects/p/secrets/backup-key/versions/latest"] = value.encode()
    chosen = settings(folder=tmp_path, encryption_key=REFERENCE)
    async with connected(manager) as connect:
        secrets = Secrets(SecretSettings(project="p"), connect)
        backups = open_backups(chosen, secrets, outgoing)
        if value == KEY:
            assert await stored_and_read(backups) == b"content"
        else:
            with pytest.raises(DependencyUnavailable, match="BACKUP_ENCRYPTION_KEY"):
                await stored_and_read(backups)


async def test_bucket_is_the_place(
    outgoing: httpx2.AsyncClient, fake_cloud_storage: RunningFake[CloudStorage]
) -> None:
    chosen = settings(bucket=BUCKET, storage_url=fake_cloud_storage.url)
    assert await stored_and_read(opened(outgoing, chosen)) == b"content"
    assert len(fake_cloud_storage.fake.objects) == 1


@pytest.mark.parametrize("name", ["Upper", "a/b", "..", "a", "a?b"])
def test_invalid_bucket_stops_the_start(name: str) -> None:
    with pytest.raises(ValueError, match="BACKUP_BUCKET"):
        BackupSettings(bucket=name)
