"""Archives with the same bytes for the same files, on every machine.

Terraform deploys a function only if the hash of its archive changes. So entries are not compressed,
because versions of zlib differ, and have no times, owners or modes from the file system.
"""

import io
import stat
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import PurePosixPath

_UNIX = 3
# The earliest time that the ZIP format can hold.
_TIMESTAMP = (1980, 1, 1, 0, 0, 0)
_FILE_MODE, _FOLDER_MODE = 0o644, 0o755


def zip_files(files: Mapping[str, bytes]) -> bytes:
    """Return a ZIP archive of files by name."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name, content in sorted(files.items()):
            entry = zipfile.ZipInfo(name, _TIMESTAMP)
            # The default depends on the operating system.
            entry.create_system = _UNIX
            entry.external_attr = (stat.S_IFREG | _FILE_MODE) << 16
            archive.writestr(entry, content)
    return target.getvalue()


def tar_files(files: Mapping[str, bytes]) -> bytes:
    """Return a TAR archive of files by name, owned by root."""
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        # Without these entries, the modes of folders depend on the unpacking machine.
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
