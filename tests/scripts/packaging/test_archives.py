"""The entries of archives."""

import io
import stat
import tarfile
import zipfile

from scripts.packaging.archives import tar_files, zip_files

FILES = {"b/c/d.py": b"d", "main.py": b"main", "b/a.py": b""}


def test_zip_entries_are_sorted_and_uncompressed() -> None:
    with zipfile.ZipFile(io.BytesIO(zip_files(FILES))) as archive:
        entries = archive.infolist()
        assert {entry.filename: archive.read(entry) for entry in entries} == FILES
    assert [entry.filename for entry in entries] == sorted(FILES)
    for entry in entries:
        assert entry.compress_type == zipfile.ZIP_STORED
        assert stat.filemode(entry.external_attr >> 16) == "-rw-r--r--"
        assert entry.date_time == (1980, 1, 1, 0, 0, 0)


def test_tar_entries_are_sorted_without_owner() -> None:
    with tarfile.open(fileobj=io.BytesIO(tar_files(FILES))) as archive:
        entries = archive.getmembers()
        files = {each.name: archive.extractfile(each) for each in entries if each.isfile()}
        assert {name: file.read() for name, file in files.items() if file} == FILES
    # Folders first: unpacking needs them before their files.
    assert [entry.name for entry in entries] == ["b", "b/c", *sorted(FILES)]
    for entry in entries:
        assert entry.mode == (0o755 if entry.isdir() else 0o644)
        assert (entry.uid, entry.gid, entry.uname, entry.gname, entry.mtime) == (0, 0, "", "", 0)


def test_order_of_files_does_not_change_archives() -> None:
    other_order = dict(reversed(FILES.items()))
    assert zip_files(other_order) == zip_files(FILES)
    assert tar_files(other_order) == tar_files(FILES)
