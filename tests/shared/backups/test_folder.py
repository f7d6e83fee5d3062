"""Files of backups: permissions, incomplete files, and outages of the disk."""

import asyncio
import logging
import os
import stat
import sys
import time
from pathlib import Path

import pytest

from scripts.root import ROOT
from shared.backups.folder import Folder
from shared.backups.names import new_id
from shared.backups.place import PART_BYTES
from shared.errors import DependencyUnavailable
from tests.shared.backups.conftest import key
from tests.shared.backups.content import AT, content_of, get, put

USER = "secret-user@example.com"


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def incomplete(path: Path) -> list[Path]:
    return list((path / ".incomplete").iterdir())


async def test_only_the_owner_can_read_files(tmp_path: Path) -> None:
    path = tmp_path / "backups"
    await put(Folder(path, key), "default", b"content")
    [file] = (path / "default").iterdir()
    assert [mode(each) for each in (path, file.parent, path / ".incomplete")] == [0o700] * 3
    assert mode(file) == 0o600


async def test_plain_file_is_the_backup_itself(tmp_path: Path) -> None:
    content = content_of(PART_BYTES + 1)
    backup = await put(Folder(tmp_path), "default", content)
    [file] = (tmp_path / "default").iterdir()
    assert file.read_bytes() == content
    assert file.name == f"{backup.id}.{backup.sha256}.gz"


async def test_leftovers_of_killed_processes_are_deleted(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    await put(folder, "default", b"first")
    old, new = tmp_path / ".incomplete" / "old", tmp_path / ".incomplete" / "new"
    for path in (old, new):
        path.write_bytes(b"half a backup")
    two_hours_ago = time.time() - 7200
    os.utime(old, (two_hours_ago, two_hours_ago))
    await put(folder, "default", b"second")
    # Another process can still write the new one.
    assert incomplete(tmp_path) == [new]


async def test_cancelled_upload_leaves_nothing(tmp_path: Path) -> None:
    folder, is_writing = Folder(tmp_path), asyncio.Event()

    async def upload() -> None:
        async with folder.write("default", new_id(AT)) as writer:
            while True:
                await writer.write(content_of(PART_BYTES))
                is_writing.set()

    running = asyncio.create_task(upload())
    await is_writing.wait()
    running.cancel()
    await asyncio.wait({running})
    assert running.cancelled()
    assert incomplete(tmp_path) == []
    assert await folder.list("default") == []


async def test_foreign_files_are_ignored(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    backup = await put(folder, "default", b"content")
    for name in ("notes.txt", "20261127-120000-000000-0123456789ab.gz", ".hidden"):
        (tmp_path / "default" / name).write_text("x")
    assert await folder.list("default") == [backup]


@pytest.mark.parametrize("work", ["list", "write", "read", "delete", "check"])
async def test_unusable_folder_is_an_outage(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, work: str
) -> None:
    path = tmp_path / "backups"
    backup = await put(Folder(path), USER, b"content")
    path.rename(tmp_path / "moved")
    path.write_text("a file in place of the folder")
    folder = Folder(path)
    calls = {
        "list": lambda: folder.list(USER),
        "write": lambda: put(folder, USER, b"content"),
        "read": lambda: get(folder, USER, backup),
        "delete": lambda: folder.delete(USER, backup.id),
        "check": folder.check,
    }
    with caplog.at_level(logging.DEBUG), pytest.raises(DependencyUnavailable):
        await calls[work]()
    assert "the folder of backups is unavailable: E" in caplog.text
    assert "secret-user" not in caplog.text


async def test_full_disk_is_an_outage_and_leaves_nothing(tmp_path: Path) -> None:
    # A limit on the size of files has the same effect as a full disk.
    script = f"""
import asyncio, pathlib, resource, signal
from scripts.root import ROOT
from shared.backups.folder import Folder
from shared.errors import DependencyUnavailable
from tests.shared.backups.content import content_of, put
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1_500_000, 1_500_000))
folder = Folder(pathlib.Path({str(tmp_path)!r}))
try:
    asyncio.run(put(folder, "default", content_of(3_000_000)))
except DependencyUnavailable:
    print("unavailable", asyncio.run(folder.list("default")))
"""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", script, cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    output, _ = await process.communicate()
    assert output.decode().strip() == "unavailable []"
    assert incomplete(tmp_path) == []
