"""The function `backup` in its own process: its memory, and kills during uploads."""

import asyncio
import random
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

import httpx

from scripts.benchmarks.backup_function import HEADERS, BackupFunction
from scripts.benchmarks.backups import download_all, upload_all
from shared.backups.folder import Folder
from shared.backups.place import Backup
from tests.shared.backups.content import get

USER = "default"
MAX_MIB = 200
# Eight of these do not fit into MAX_MIB. `./scripts/benchmark backups` measures the largest size.
SIZE_BYTES = 20_000_000
UPLOADERS = 4
MAX_ACKNOWLEDGED_PER_ROUND = 12
KEEP_ALL = {
    "BACKUP_KEEP": "1000",
    "BACKUP_KEEP_DAYS": "3650",
    "BACKUP_QUOTA_BYTES": "100000000000",
}


async def test_eight_uploads_at_once_need_little_memory(tmp_path: Path) -> None:
    with BackupFunction({"BACKUP_FOLDER": str(tmp_path)}) as function:
        await upload_all(function.url, SIZE_BYTES)
        assert await download_all(function.url) == 8 * SIZE_BYTES
        print(f"peak of {function.peak_mib:.0f} MiB")
        assert function.peak_mib < MAX_MIB


class Uploads:
    """Clients that upload until their server is killed."""

    def __init__(self) -> None:
        self.random = random.Random(16)
        self.acknowledged: set[str] = set()

    async def run(self, function: BackupFunction) -> None:
        """Upload, and kill the server after a random number of stored backups."""
        is_enough = asyncio.Event()
        until = len(self.acknowledged) + self.random.randint(1, MAX_ACKNOWLEDGED_PER_ROUND)
        async with asyncio.TaskGroup() as group:
            for _ in range(UPLOADERS):
                group.create_task(self._upload(function.url, until, is_enough))
            await is_enough.wait()
            # A random moment of the next uploads. No outcome depends on it.
            await asyncio.sleep(self.random.uniform(0, 0.05))
            function.kill()

    async def _upload(self, address: str, until: int, is_enough: asyncio.Event) -> None:
        # The server is killed: each way to fail is right, except for a wrong status.
        with suppress(httpx.TransportError):
            async with httpx.AsyncClient(base_url=address, timeout=60) as http:
                while True:
                    content = self.random.randbytes(self.random.randint(1000, 1_500_000))
                    response = await http.post("/backup", headers=HEADERS, content=content)
                    assert response.status_code == 200
                    self.acknowledged.add(sha256(content).hexdigest())
                    if len(self.acknowledged) >= until:
                        is_enough.set()


async def test_kill_loses_no_acknowledged_backup(tmp_path: Path, *, is_long: bool) -> None:
    uploads, kills = Uploads(), 20 if is_long else 3
    for _ in range(kills):
        with BackupFunction({"BACKUP_FOLDER": str(tmp_path), **KEEP_ALL}) as function:
            await uploads.run(function)
    folder = Folder(tmp_path)
    stored = {await checked(folder, backup) for backup in await folder.list(USER)}
    print(f"\n{kills} kills, {len(uploads.acknowledged)} acknowledged, {len(stored)} stored")
    assert uploads.acknowledged <= stored
    # A backup can be stored without its response. At most one per uploader and kill.
    assert len(stored) <= len(uploads.acknowledged) + UPLOADERS * kills


async def checked(folder: Folder, backup: Backup) -> str:
    """Return the hash of a backup, which is complete."""
    digest = sha256(await get(folder, USER, backup)).hexdigest()
    assert digest == backup.sha256
    return digest
