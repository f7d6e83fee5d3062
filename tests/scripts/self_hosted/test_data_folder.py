"""The data folder."""

import subprocess
import sys
from pathlib import Path

import pytest

from scripts.root import ROOT
from scripts.self_hosted.data_folder import DataFolder
from scripts.self_hosted.errors import CannotServeError

_HOLD_LOCK = """
import sys
from pathlib import Path
from scripts.self_hosted.data_folder import DataFolder
with DataFolder(Path(sys.argv[1])).locked():
    print("locked", flush=True)
    sys.stdin.read()
"""


def test_folder_without_parent_is_rejected(tmp_path: Path) -> None:
    with pytest.raises(CannotServeError, match=f"^{tmp_path}/a does not exist; create it"):
        DataFolder(tmp_path / "a" / "b").create()


def test_file_instead_of_a_folder_is_rejected(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("")
    with pytest.raises(CannotServeError, match=r"^cannot create the folder .*: File exists$"):
        DataFolder(tmp_path / "data").create()


def test_read_only_folder_is_rejected() -> None:
    # Linux: also root cannot create a file there.
    with (
        pytest.raises(CannotServeError, match=r"^cannot write to /proc/self: .*; change its owner"),
        DataFolder(Path("/proc/self")).locked(),
    ):
        pass


def test_lock_of_a_killed_process_is_free(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path)
    with subprocess.Popen(
        [sys.executable, "-c", _HOLD_LOCK, str(tmp_path)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"locked\n"
        with (
            pytest.raises(CannotServeError, match=f"another ./scripts/serve uses {tmp_path}"),
            folder.locked(),
        ):
            pass
        holder.kill()
    with folder.locked():
        pass


def test_database_size_includes_recent_changes(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path)
    assert folder.database_bytes == 0
    (tmp_path / "liftlog.db").write_bytes(b"1234")
    (tmp_path / "liftlog.db-wal").write_bytes(b"12")
    assert folder.database_bytes == 6
