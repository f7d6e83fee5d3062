"""A full disk, missing permissions and an incompatible file: errors, log lines and recovery."""

import os
import resource
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from shared.store.engines.sqlite.maintenance import check
from tests.shared.store.engines.sqlite import children
from tests.shared.store.engines.sqlite.children import Report
from tests.shared.store.engines.sqlite.scenarios import Scenario

OTHER_USER = 65534


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that any user may own; those of pytest belong to the current user."""
    path = Path(tempfile.mkdtemp())
    yield path
    path.chmod(0o700)
    shutil.rmtree(path)


def become_ordinary_user(folder: Path) -> None:
    """Permissions do not apply to root: become another user, who owns the folder."""
    if os.geteuid() == 0:
        os.chown(folder, OTHER_USER, OTHER_USER)
        os.setgroups([])
        os.setgid(OTHER_USER)
        os.setuid(OTHER_USER)


def limit_file_size(limit: int | None) -> None:
    """Let each write of this process beyond `limit` fail, as on a full disk. None: no limit."""
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard if limit is None else limit, hard))


async def fill_disk_twice(report: Report, path: Path) -> None:
    with Scenario.logged(path) as scenario:
        for number in range(2):
            await scenario.expect_service(f"before-{number}")
            limit_file_size(1)
            await scenario.expect_outage()
            assert await scenario.read(f"before-{number}") == 2
            limit_file_size(None)
            await scenario.expect_service(f"after-{number}")
        await scenario.database.close()
        report(scenario.lines)


def test_full_disk_fails_commits_until_there_is_room(tmp_path: Path) -> None:
    path = tmp_path / "data.db"
    [lines] = children.run(fill_disk_twice, path)
    reason = (
        "disk I/O error (SQLITE_IOERR_WRITE). "
        "Check the space, the quota and the health of the disk."
    )
    assert lines == [
        f"cannot write the database file {path}: {reason}",
        f"can write the database file {path} again",
    ]
    assert check(path) == []


async def fill_disk_before_first_call(report: Report, path: Path) -> None:
    with Scenario.logged(path) as scenario:
        limit_file_size(1)
        await scenario.expect_outage(of_reads=True)
        limit_file_size(None)
        await scenario.expect_service("after")
        await scenario.database.close()
        report(scenario.lines)


def test_first_call_on_full_disk_fails_until_there_is_room(tmp_path: Path) -> None:
    path = tmp_path / "data.db"
    [lines] = children.run(fill_disk_before_first_call, path)
    assert sorted(line.partition(str(path))[0] for line in lines) == [
        "can read the database file ",
        "can write the database file ",
        "cannot read the database file ",
        "cannot write the database file ",
    ]
    assert check(path) == []


async def close_folder_before_first_call(report: Report, path: Path) -> None:
    folder = path.parent
    become_ordinary_user(folder)
    report(os.geteuid())
    with Scenario.logged(path) as scenario:
        folder.chmod(0o500)
        await scenario.expect_outage(of_reads=True)
        folder.chmod(0o700)
        await scenario.expect_service("after")
        report(scenario.lines)


def test_folder_without_permission_fails_calls_until_given(folder: Path) -> None:
    path = folder / "data.db"
    user, lines = children.run(close_folder_before_first_call, path)
    reason = (
        "unable to open database file (SQLITE_CANTOPEN). Check that the folder exists, and that "
        f"user {user} may write the folder and its files."
    )
    assert sorted(lines) == [
        f"can read the database file {path} again",
        f"can write the database file {path} again",
        f"cannot read the database file {path}: {reason}",
        f"cannot write the database file {path}: {reason}",
    ]


def set_modes(folder: Path, mode: int) -> None:
    """Set the mode of the file, and of its log if there is one."""
    for file in folder.iterdir():
        file.chmod(mode)


async def protect_file(report: Report, path: Path) -> None:
    become_ordinary_user(path.parent)
    with Scenario.logged(path) as scenario:
        await scenario.expect_service("before")
        # Permissions apply to new connections only.
        await scenario.database.close()
        set_modes(path.parent, 0o400)
        await scenario.expect_outage(of_reads=True)
        set_modes(path.parent, 0o600)
        await scenario.expect_service("after")
        report((os.geteuid(), scenario.lines))


def test_read_only_file_fails_calls_until_permitted(folder: Path) -> None:
    path = folder / "data.db"
    [(user, lines)] = children.run(protect_file, path)
    reason = (
        "the file is read-only (SQLITE_READONLY). Check that the folder exists, and that "
        f"user {user} may write the folder and its files."
    )
    assert sorted(lines) == [
        f"can read the database file {path} again",
        f"can write the database file {path} again",
        f"cannot read the database file {path}: {reason}",
        f"cannot write the database file {path}: {reason}",
    ]


async def test_missing_folder_fails_calls_until_created(folder: Path) -> None:
    path = folder / "missing" / "data.db"
    with Scenario.logged(path) as scenario:
        await scenario.expect_outage(of_reads=True)
        path.parent.mkdir()
        await scenario.expect_service("after")
        await scenario.database.close()
    assert len(scenario.lines) == 4


async def test_file_of_another_program_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "data.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE one (content)")
    with Scenario.logged(path) as scenario:
        await scenario.expect_outage(of_reads=True)
        await scenario.database.close()
    reason = "the database file belongs to another program"
    assert sorted(scenario.lines) == [
        f"cannot {operation} the database file {path}: {reason}" for operation in ("read", "write")
    ]
