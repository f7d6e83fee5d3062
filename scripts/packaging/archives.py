"""Archives that are the same, byte for byte, whenever and wherever they are made.

Nothing in them is compressed, which each version of zlib does in another way, and of what the file
system knows there is nothing in them but names and contents.
"""

import io
import stat
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import PurePosixPath

_UNIX = 3
_EARLIEST = (1980, 1, 1, 0, 0, 0)
_FILE_MODE, _FOLDER_MODE = 0o644, 0o755


def zipped(files: Mapping[str, bytes]) -> bytes:
    """Return a ZIP archive of files, which are given by name."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name, content in sorted(files.items()):
            entry = zipfile.ZipInfo(name, _EARLIEST)
            entry.create_system = _UNIX
            entry.external_attr = (stat.S_IFREG | _FILE_MODE) << 16
            archive.writestr(entry, content)
    return target.getvalue()


def tarred(files: Mapping[str, bytes]) -> bytes:
    """Return a TAR archive of files, which are given by name; they belong to nobody."""
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        # Without entries of their own, folders would have whatever mode the unpacking side likes.
        for folder in sorted(_folders(files)):
            entry = tarfile.TarInfo(folder)
            entry.type, entry.mode = tarfile.DIRTYPE, _FOLDER_MODE
            archive.addfile(entry)
        for name, content in sorted(files.items()):
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), _FILE_MODE
            archive.addfile(entry, io.BytesIO(content))
    return target.getvalue()


def _folders(files: Mapping[str, bytes]) -> set[str]:
    return {str(folder) for name in files for folder in PurePosixPath(name).parents} - {"."}
