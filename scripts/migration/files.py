"""The files of exports: plain or compressed, written whole or not at all, or a pipe."""

import gzip
import os
import sys
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from scripts.migration.errors import DamagedFileError
from scripts.migration.lines import MAX_LINE_BYTES

PIPE = "-"
"""The name for standard output or standard input."""

_COMPRESSED = ".gz"
# An export contains the password hashes of all users.
_FILE_MODE = 0o600


@contextmanager
def writing(name: str) -> Iterator[Callable[[bytes], object]]:
    """Open a file for writing; yield the function that writes.

    The file appears under its name after the block ends without an error.

    Raises:
        OSError: the file cannot be written.
    """
    if name == PIPE:
        yield sys.stdout.buffer.write
        sys.stdout.buffer.flush()
        return
    target = Path(name)
    unfinished = target.with_name(f"{target.name}.unfinished")
    # A file that a killed export left may have another mode.
    unfinished.unlink(missing_ok=True)
    try:
        with open(unfinished, "xb", opener=partial(os.open, mode=_FILE_MODE)) as file:
            if name.endswith(_COMPRESSED):
                with gzip.GzipFile(filename="", mode="wb", fileobj=file, mtime=0) as compressed:
                    yield compressed.write
            else:
                yield file.write
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(target)
    finally:
        unfinished.unlink(missing_ok=True)


@contextmanager
def reading(name: str) -> Iterator[Iterator[bytes]]:
    """Open a file for reading; yield its lines. A line has up to `MAX_LINE_BYTES` + 1 bytes.

    Raises:
        OSError: the file cannot be read.
    """
    if name == PIPE:
        yield _lines(sys.stdin.buffer.readline)
    elif name.endswith(_COMPRESSED):
        with gzip.open(name) as content:
            yield _lines(content.readline)
    else:
        with Path(name).open("rb") as file:
            yield _lines(file.readline)


def _lines(readline: Callable[[int], bytes]) -> Iterator[bytes]:
    try:
        yield from iter(partial(readline, MAX_LINE_BYTES + 1), b"")
    except (EOFError, gzip.BadGzipFile, zlib.error):
        raise DamagedFileError(
            "the compressed file is cut off or damaged; use a whole file"
        ) from None
