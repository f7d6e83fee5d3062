"""Copies of the database."""

import re
import stat
from pathlib import Path

import pytest

from tests.scripts.self_hosted.commands.conftest import Data, users_in


def test_copy_is_a_private_file_with_all_documents(filled: Data, tmp_path: Path) -> None:
    to = tmp_path / "copy.db"
    output = filled.succeeds("copy", to)
    assert re.fullmatch(rf"copied {filled.database} to {to} \(0\.\d MiB\)\n", output)
    assert users_in(to) == ["a", "b"]
    assert stat.S_IMODE(to.stat().st_mode) == 0o600


def test_copy_names_the_backups_that_it_lacks(filled: Data, tmp_path: Path) -> None:
    filled.write_backups()
    [_, line] = filled.succeeds("copy", tmp_path / "copy.db").splitlines()
    assert line == (
        f"not in the copy: 2 backups of users in {filled.folder}/backups (2.0 MiB); "
        "copy them with cp -r, also while the server runs"
    )


def test_copy_finds_the_folder_of_the_settings(filled: Data, tmp_path: Path) -> None:
    filled.write_backups(tmp_path / "elsewhere")
    settings = filled.folder / "settings.env"
    settings.write_text(f"BACKUP_FOLDER={tmp_path}/elsewhere\n")
    assert f"2 backups of users in {tmp_path}/elsewhere" in filled.succeeds("copy", tmp_path)
    settings.write_text("BACKUP_BUCKET=bucket\n")
    assert "backups" not in filled.succeeds("copy", tmp_path / "copy.db")


def test_copy_into_a_folder_has_the_date_in_its_name(filled: Data, tmp_path: Path) -> None:
    copies = tmp_path / "copies"
    copies.mkdir()
    filled.succeeds("copy", copies)
    [copy] = copies.iterdir()
    assert re.fullmatch(r"liftlog-\d{4}-\d\d-\d\dT\d\d-\d\d-\d\dZ\.db", copy.name)


def test_existing_file_is_replaced_only_with_force(filled: Data, tmp_path: Path) -> None:
    to = tmp_path / "copy.db"
    to.write_text("old")
    assert filled.fails("copy", to).endswith("choose another name, or replace it with --force")
    assert to.read_text() == "old"
    filled.succeeds("copy", to, "--force")
    assert users_in(to) == ["a", "b"]


@pytest.mark.parametrize("name", ["liftlog.db", "liftlog.db-wal", "../data/liftlog.db-shm"])
def test_database_itself_is_never_replaced(filled: Data, name: str) -> None:
    error = filled.fails("copy", filled.folder / name, "--force")
    assert error.endswith("belongs to the database; choose another name for the copy")
    assert filled.users() == ["a", "b"]


@pytest.mark.parametrize("name", ["missing/copy.db", "missing/"])
def test_missing_folder_is_reported(filled: Data, tmp_path: Path, name: str) -> None:
    error = filled.fails("copy", f"{tmp_path}/{name}")
    assert re.fullmatch(rf"the folder {tmp_path}/missing/? does not exist; create it first", error)


@pytest.mark.parametrize("command", [("copy", "to.db"), ("check",), ("export", "to.jsonl")])
def test_folder_without_a_database_stays_empty(data: Data, command: tuple[str, ...]) -> None:
    message = f"{data.folder} has no database; name the folder of the server with --data"
    assert data.fails(*command) == message
    data.folder.mkdir()
    assert data.fails(*command) == message
    assert list(data.folder.iterdir()) == []


def test_failed_copy_names_the_next_step(filled: Data, tmp_path: Path) -> None:
    filled.database.write_text("no database " * 100)
    error = filled.fails("copy", tmp_path / "copy.db")
    assert error.startswith(f"cannot copy {filled.database} to {tmp_path}/copy.db: file is not a")
    assert error.endswith(f"with: ./scripts/serve check --data {filled.folder}")
    assert not (tmp_path / "copy.db").exists()
