"""The replacement of the database by a copy."""

import asyncio
import fcntl
import re
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from scripts.self_hosted.commands import restore
from shared.store.data_model import USERS
from shared.store.database import Database
from shared.store.engines.sqlite.maintenance import UnusableFileError
from shared.store.settings import DatabaseSettings
from tests.scripts.self_hosted.commands.conftest import Data, users_in, write_users

REPLACED = re.compile(r"liftlog-replaced-\d{4}-\d\d-\d\dT\d\d-\d\d-\d\dZ\.db")


def replaced(data: Data) -> Path:
    """Return the replaced database."""
    [name] = (name for name in data.files if REPLACED.fullmatch(name))
    return data.folder / name


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy with the user c."""
    path = tmp_path / "copy.db"
    write_users(path, "c")
    return path


def test_restore_replaces_and_keeps_the_database(filled: Data, copy: Path) -> None:
    before = copy.read_bytes()
    lines = filled.succeeds("restore", copy).splitlines()
    assert lines == [
        f"restored {filled.database} from {copy} (1 users)",
        f"the replaced database is {replaced(filled)}; delete it when you no longer need it",
    ]
    assert filled.users() == ["c"]
    assert users_in(replaced(filled)) == ["a", "b"]
    assert copy.read_bytes() == before
    assert {each.name for each in copy.parent.iterdir()} == {"data", "copy.db"}


def test_restore_keeps_the_backups_of_users(filled: Data, copy: Path) -> None:
    filled.write_backups()
    lines = filled.succeeds("restore", copy).splitlines()
    assert lines[1] == f"unchanged: 2 backups of users in {filled.folder}/backups (2.0 MiB)"
    assert len(list((filled.folder / "backups" / "alice").iterdir())) == 3


def test_restore_into_a_new_folder(data: Data, copy: Path) -> None:
    lines = data.succeeds("restore", copy).splitlines()
    assert len(lines) == 1
    assert data.files == {"liftlog.db"}
    assert data.users() == ["c"]


def killed(folder: Path) -> None:
    """Write the files of a server that was killed: the user d is only in the `-wal` file."""

    async def write(file: Path) -> None:
        database = Database(DatabaseSettings(file=file))
        await database.check()
        shutil.copy(file, folder)
        batch = database.batch()
        batch.set(database.document(USERS, "d"), {"lookup": "d"})
        await database.commit(batch)
        for suffix in ("-wal", "-shm"):
            shutil.copy(f"{file}{suffix}", folder)
        await database.close()

    folder.mkdir()
    with TemporaryDirectory() as running:
        asyncio.run(write(Path(running) / "liftlog.db"))


def test_replaced_database_has_its_last_commits(data: Data, copy: Path) -> None:
    killed(data.folder)
    data.succeeds("restore", copy)
    assert data.files == {"liftlog.db", replaced(data).name}
    assert data.users() == ["c"]
    assert users_in(replaced(data)) == ["d"]


def test_files_of_a_killed_server_are_restored(filled: Data, tmp_path: Path) -> None:
    killed(tmp_path / "killed")
    filled.succeeds("restore", tmp_path / "killed" / "liftlog.db")
    assert filled.users() == ["d"]
    assert "liftlog.db-wal" in {each.name for each in (tmp_path / "killed").iterdir()}


def test_damaged_database_is_replaced_and_kept(data: Data, copy: Path) -> None:
    data.folder.mkdir()
    data.database.write_text("damaged " * 1000)
    for suffix in ("-wal", "-shm"):
        data.database.with_name(f"liftlog.db{suffix}").write_text("damaged")
    data.succeeds("restore", copy)
    assert data.users() == ["c"]
    assert replaced(data).read_text() == "damaged " * 1000
    assert data.files == {"liftlog.db", replaced(data).name}


def test_changes_that_cannot_be_merged_are_kept(
    data: Data, copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: Path) -> None:
        raise UnusableFileError("database or disk is full")

    killed(data.folder)
    monkeypatch.setattr(restore, "prepare", fail)
    data.succeeds("restore", copy)
    kept = replaced(data).name
    assert data.files == {"liftlog.db", kept, f"{kept}-wal"}
    assert data.users() == ["c"]
    assert users_in(data.folder / kept) == ["d"]


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-4096])


def make_newer(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 99")


@pytest.mark.parametrize(
    ("damage", "problem"),
    [
        (lambda path: path.write_bytes(b""), "is not a database of LiftLog"),
        (lambda path: path.write_text("text"), "is not a database of LiftLog"),
        (cut, "is damaged (database disk image is malformed)"),
        (make_newer, "install the newer program"),
        (lambda path: path.unlink(), "No such file or directory"),
    ],
    ids=["empty", "text", "cut", "newer", "missing"],
)
def test_unusable_copy_changes_nothing(
    filled: Data, copy: Path, damage: Callable[[Path], object], problem: str
) -> None:
    damage(copy)
    before = filled.database.read_bytes()
    assert problem in filled.fails("restore", copy)
    assert filled.files == {"liftlog.db"}
    assert filled.database.read_bytes() == before


@pytest.mark.parametrize(
    ("lock", "kind", "problem"),
    [
        ("lock", fcntl.LOCK_EX, "another ./scripts/serve uses {}; stop it first"),
        ("maintenance.lock", fcntl.LOCK_SH, "a command reads {}/liftlog.db; stop it first"),
    ],
    ids=["server", "command"],
)
def test_used_database_is_not_replaced(
    filled: Data, copy: Path, lock: str, kind: int, problem: str
) -> None:
    with (filled.folder / lock).open("w") as file:
        fcntl.flock(file, kind)
        assert filled.fails("restore", copy) == problem.format(filled.folder)
        assert filled.fails("import", copy).endswith("stop it first")
    assert filled.users() == ["a", "b"]


def test_database_is_not_copied_while_it_is_replaced(filled: Data, tmp_path: Path) -> None:
    with (filled.folder / "maintenance.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        for command in (("copy", tmp_path / "x.db"), ("check",), ("export", tmp_path / "x.jsonl")):
            error = filled.fails(*command)
            assert error == f"a command replaces {filled.database}; stop it first"


@pytest.mark.parametrize("step", ["hardlink_to", "replace"])
def test_failed_step_leaves_the_database_whole(
    filled: Data, copy: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    def fail(*_: object) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(Path, step, fail)
    ended = filled.run("restore", copy)
    monkeypatch.undo()
    if step == "replace":
        assert ended.stderr == (
            f"serve: cannot replace {filled.database}: Input/output error; it is unchanged\n"
        )
        assert filled.users() == ["a", "b"]
    else:
        # A file system without hard links.
        assert filled.users() == ["c"]
    assert users_in(replaced(filled)) == ["a", "b"]
    assert filled.files == {"liftlog.db", replaced(filled).name}
