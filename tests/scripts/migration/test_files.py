"""The files of exports."""

import gzip
import stat
from contextlib import suppress
from pathlib import Path

import pytest

from scripts.migration.errors import DamagedFileError
from scripts.migration.files import reading, writing
from scripts.migration.lines import MAX_LINE_BYTES

LINES = [b"first\n", b"second\n", b"x" * 100_000 + b"\n"]


def write(path: Path) -> None:
    with writing(str(path)) as line:
        for each in LINES:
            line(each)


def read(path: Path) -> list[bytes]:
    with reading(str(path)) as lines:
        return list(lines)


@pytest.mark.parametrize("name", ["export.jsonl", "export.jsonl.gz"])
def test_lines_are_read_back_from_a_private_file(tmp_path: Path, name: str) -> None:
    write(tmp_path / name)
    assert read(tmp_path / name) == LINES
    assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600
    assert [each.name for each in tmp_path.iterdir()] == [name]


def test_file_named_gz_is_compressed(tmp_path: Path) -> None:
    write(tmp_path / "a.gz")
    assert gzip.decompress((tmp_path / "a.gz").read_bytes()) == b"".join(LINES)


@pytest.mark.parametrize("name", ["export.jsonl", "export.jsonl.gz"])
def test_failed_export_keeps_the_existing_file(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("old")
    (tmp_path / f"{name}.unfinished").write_text("left by a killed export")
    with suppress(KeyboardInterrupt), writing(str(tmp_path / name)) as line:
        line(b"new\n")
        raise KeyboardInterrupt
    assert (tmp_path / name).read_text() == "old"
    assert [each.name for each in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("damage", [lambda b: b[:-5], lambda b: b"x" + b, lambda b: b[:60] + b"x"])
def test_damaged_compressed_file_is_rejected(tmp_path: Path, damage: object) -> None:
    path = tmp_path / "a.gz"
    write(path)
    assert callable(damage)
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(DamagedFileError, match="the compressed file is cut off or damaged"):
        read(path)


def test_long_line_is_read_in_bounded_pieces(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"x" * (MAX_LINE_BYTES + 10))
    assert [len(line) for line in read(path)] == [MAX_LINE_BYTES + 1, 9]
