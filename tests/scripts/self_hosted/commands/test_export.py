"""The command that exports the documents."""

import gzip
import stat
import subprocess
import sys
from pathlib import Path
from uuid import uuid4

import pytest

from scripts.local.ports import HOST
from scripts.root import ROOT
from scripts.self_hosted import __main__ as command_line
from tests import in_process
from tests.emulators import ports
from tests.scripts.self_hosted.commands.conftest import Data


def paths(content: str) -> list[str]:
    """Return the paths in an export, without parsing it."""
    return [line.split('"')[3] for line in content.splitlines()[1:-1]]


USERS = ["users/a", "users/b", "lookups/a", "lookups/b"]


def test_export_is_a_private_file(filled: Data, tmp_path: Path) -> None:
    to = tmp_path / "export.jsonl"
    ended = filled.run("export", to)
    assert (ended.returncode, ended.stdout) == (0, "")
    assert ended.stderr.startswith("exported 4 documents in ")
    assert paths(to.read_text()) == USERS
    assert stat.S_IMODE(to.stat().st_mode) == 0o600
    assert filled.files == {"liftlog.db"}


def test_export_named_gz_is_compressed(filled: Data, tmp_path: Path) -> None:
    filled.succeeds("export", tmp_path / "a.gz")
    assert paths(gzip.decompress((tmp_path / "a.gz").read_bytes()).decode()) == USERS


def test_export_to_standard_output(filled: Data) -> None:
    assert paths(filled.succeeds("export", "-")) == USERS


def test_existing_file_is_replaced_only_with_force(filled: Data, tmp_path: Path) -> None:
    to = tmp_path / "export.jsonl"
    to.write_text("old")
    assert filled.fails("export", to).endswith("choose another name, or replace it with --force")
    assert to.read_text() == "old"
    filled.succeeds("export", to, "--force")
    assert paths(to.read_text()) == USERS


def test_place_that_cannot_be_a_file_is_reported(filled: Data, tmp_path: Path) -> None:
    assert filled.fails("export", tmp_path) == f"{tmp_path} is a folder; name a file"
    assert filled.fails("export", tmp_path / "no" / "a").endswith("does not exist; create it first")
    assert filled.fails("export", "/proc/self/a") == ("cannot export: No such file or directory")


def test_damaged_database_is_reported(filled: Data, tmp_path: Path) -> None:
    filled.database.write_text("no database " * 100)
    assert filled.fails("export", tmp_path / "a") == "cannot export: file is not a database"
    assert not (tmp_path / "a").exists()


@pytest.mark.firestore
def test_documents_move_to_firestore_and_back(
    filled: Data, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", f"{HOST}:{ports().firestore}")
    project, first, second = f"test-{uuid4()}", tmp_path / "1.jsonl", tmp_path / "2.jsonl.gz"
    filled.succeeds("export", first)
    for arguments in (
        ("import", str(first), "--firestore", project),
        ("import", str(first), "--firestore", project, "--merge"),
        ("export", str(second), "--firestore", project),
    ):
        ended = in_process.run(command_line.main, *arguments)
        assert ended.returncode == 0, ended.stderr
        assert "4 documents in" in ended.stderr
    target = Data(tmp_path / "target")
    target.succeeds("import", second)
    assert target.users() == ["a", "b"]


@pytest.mark.parametrize("command", ["export", "import"])
def test_unreachable_firestore_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", "127.0.0.1:9")
    monkeypatch.setattr("scripts.migration.databases._TIMEOUT_S", 0.5)
    ended = in_process.run(command_line.main, command, str(tmp_path / "a"), "--firestore", "p")
    assert ended.returncode == 1
    assert ended.stderr == (
        f"serve: cannot {command}: the database does not respond, or rejects the account; check "
        "both, and repeat the command\n"
    )
    assert list(tmp_path.iterdir()) == []


def test_missing_credentials_are_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FIRESTORE_EMULATOR_HOST", raising=False)
    # Google's library looks for credentials in these places, and then asks for the machine's.
    monkeypatch.setenv("NO_GCE_CHECK", "true")
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path))
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS", raising=False)
    ended = in_process.run(command_line.main, "export", str(tmp_path / "a"), "--firestore", "p")
    assert ended.returncode == 1
    assert ended.stderr == (
        "serve: cannot export: there are no credentials for Google Cloud; run: "
        "gcloud auth application-default login\n"
    )


def test_folder_and_project_are_alternatives(data: Data) -> None:
    ended = data.run("export", "-", "--firestore", "p")
    assert ended.returncode == 2
    assert "--data and --firestore are alternatives; choose one" in ended.stderr


def test_stopped_export_leaves_no_files(filled: Data) -> None:
    # More than the pipe takes, so that the command waits.
    filled.write(*(f"{number}" * 100 for number in range(1000, 4000)))
    with subprocess.Popen(
        [sys.executable, "-m", "scripts.self_hosted", "export", "-", "--data", filled.folder],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.read(10_000)
        assert any(name.startswith("export-") for name in filled.files)
        process.terminate()
        _, errors = process.communicate(timeout=300)
    assert (process.returncode, errors) == (130, b"serve: interrupted\n")
    assert filled.files == {"liftlog.db"}
