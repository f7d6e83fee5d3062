"""The check of the database."""

import sqlite3
from contextlib import closing
from pathlib import Path

from tests.scripts.self_hosted.commands.conftest import Data


def test_sound_database_is_summarized(filled: Data) -> None:
    lines = filled.succeeds("check").splitlines()
    assert lines[0].split() == ["file", str(filled.database)]
    assert lines[2:] == [
        "schema version   1",
        "users            2",
        "documents        4",
        f"not checked      0 backups of users in {filled.folder}/backups (0.0 MiB)",
        "no problems found",
    ]


def damaged(filled: Data) -> list[str]:
    """Return the problems that the check prints."""
    ended = filled.run("check")
    assert ended.returncode == 1
    assert ended.stderr == (
        f"serve: {filled.database} is damaged; stop the server, and restore the newest copy: "
        f"./scripts/serve restore COPY --data {filled.folder}\n"
    )
    return ended.stdout.splitlines()


def test_damaged_page_is_a_problem(filled: Data) -> None:
    content = bytearray(filled.database.read_bytes())
    page_bytes = int.from_bytes(content[16:18], "big")
    content[page_bytes * 2 : page_bytes * 3] = bytes(page_bytes)
    filled.database.write_bytes(content)
    problems = damaged(filled)
    assert problems
    assert all(line.startswith("problem: ") for line in problems)


def test_wrong_index_is_a_problem(filled: Data) -> None:
    with closing(sqlite3.connect(filled.database)) as connection, connection:
        connection.execute("DELETE FROM entries WHERE document = 1")
    assert damaged(filled) == ["problem: 1 entries of the index are missing"]


def test_file_of_another_program_is_a_problem(filled: Data) -> None:
    filled.database.write_text("no database " * 100)
    assert damaged(filled) == ["problem: file is not a database"]


def test_folder_without_permission_is_reported(filled: Data, tmp_path: Path) -> None:
    # A folder in place of the lock: root could open any file.
    (filled.folder / "maintenance.lock").mkdir()
    assert filled.fails("check") == (
        f"cannot write to {filled.folder}: Is a directory; change its owner or its mode"
    )
