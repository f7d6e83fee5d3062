"""What an archive says of its files, for whoever unpacks it."""

import io
import stat
import tarfile
import zipfile

from scripts.packaging.archives import tarred, zipped

FILES = {"b/c/d.py": b"d", "main.py": b"main", "b/a.py": b""}


def test_a_zip_has_the_files_in_order_uncompressed_and_to_be_read_by_all() -> None:
    with zipfile.ZipFile(io.BytesIO(zipped(FILES))) as archive:
        entries = archive.infolist()
        assert {entry.filename: archive.read(entry) for entry in entries} == FILES
    assert [entry.filename for entry in entries] == sorted(FILES)
    for entry in entries:
        assert entry.compress_type == zipfile.ZIP_STORED
        assert stat.filemode(entry.external_attr >> 16) == "-rw-r--r--"
        assert entry.date_time == (1980, 1, 1, 0, 0, 0)


def test_a_tar_has_files_and_folders_that_belong_to_nobody_and_are_read_by_all() -> None:
    with tarfile.open(fileobj=io.BytesIO(tarred(FILES))) as archive:
        entries = archive.getmembers()
        files = {each.name: archive.extractfile(each) for each in entries if each.isfile()}
        assert {name: file.read() for name, file in files.items() if file} == FILES
    # Folders first: the unpacking side makes none by itself.
    assert [entry.name for entry in entries] == ["b", "b/c", *sorted(FILES)]
    for entry in entries:
        assert entry.mode == (0o755 if entry.isdir() else 0o644)
        assert (entry.uid, entry.gid, entry.uname, entry.gname, entry.mtime) == (0, 0, "", "", 0)


def test_the_order_in_which_files_are_given_makes_no_difference() -> None:
    other_order = dict(reversed(FILES.items()))
    assert zipped(other_order) == zipped(FILES)
    assert tarred(other_order) == tarred(FILES)
