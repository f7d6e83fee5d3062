"""The command that imports documents."""

import os
import stat
from pathlib import Path

import pytest

from tests.scripts.self_hosted.commands.conftest import Data


@pytest.fixture
def export(filled: Data, tmp_path: Path) -> Path:
    """An export with the users a and b."""
    path = tmp_path / "export.jsonl"
    filled.succeeds("export", path)
    return path


@pytest.fixture
def target(tmp_path: Path) -> Data:
    """A data folder that does not exist yet."""
    return Data(tmp_path / "target")


def test_import_creates_a_private_database(export: Path, target: Data) -> None:
    ended = target.run("import", export)
    assert ended.returncode == 0
    assert ended.stderr.startswith("imported 4 documents in ")
    assert target.users() == ["a", "b"]
    assert stat.S_IMODE(target.database.stat().st_mode) == 0o600


def test_import_from_standard_input(export: Path, target: Data) -> None:
    target.succeeds("import", "-", given=export.read_text())
    assert target.users() == ["a", "b"]


def test_database_with_users_needs_merge(export: Path, target: Data) -> None:
    target.write("b", "c")
    assert target.fails("import", export) == (
        "the database is not empty: users has documents; import into an empty database, "
        "or add --merge"
    )
    assert target.users() == ["b", "c"]
    for _ in range(2):
        target.succeeds("import", export, "--merge")
        assert target.users() == ["a", "b", "c"]


def test_damaged_file_changes_nothing(filled: Data, target: Data, tmp_path: Path) -> None:
    # More documents than the commits at a time have.
    filled.write(*map(str, range(1500)))
    export = tmp_path / "export.jsonl"
    filled.succeeds("export", export)
    lines = export.read_text().splitlines(keepends=True)
    export.write_text("".join([*lines[:-2], "SECRET-damage\n", lines[-1]]))
    assert target.fails("import", export) == (
        "cannot import: line 3005 is damaged; use another file"
    )
    assert target.users() == []


@pytest.mark.parametrize("name", ["missing", "."])
def test_unreadable_file_is_reported(target: Data, tmp_path: Path, name: str) -> None:
    assert target.fails("import", tmp_path / name).startswith("cannot import: ")


def test_folder_without_parent_is_reported(export: Path, tmp_path: Path) -> None:
    error = Data(tmp_path / "no" / "data").fails("import", export)
    assert error.endswith("create it, or choose another folder for --data")


@pytest.mark.parametrize("is_administrator", [True, False])
def test_files_belong_to_the_owner_of_the_folder(
    export: Path, target: Data, monkeypatch: pytest.MonkeyPatch, *, is_administrator: bool
) -> None:
    given: dict[str, tuple[int, int]] = {}

    def chown(path: Path, user: int, group: int) -> None:
        given[path.name] = user, group

    monkeypatch.setattr(os, "geteuid", lambda: 0 if is_administrator else 1000)
    monkeypatch.setattr(os, "chown", chown)
    target.succeeds("import", export)
    owner = target.folder.stat()
    names = ["lock", "maintenance.lock", "liftlog.db"] if is_administrator else []
    assert given == dict.fromkeys(names, (owner.st_uid, owner.st_gid))
