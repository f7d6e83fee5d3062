"""The lines of an export: a header, one line per document, and a trailer. No I/O.

The format is described in `docs/export-format.md`.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from scripts.migration.errors import DamagedFileError, MigrationError
from scripts.migration.places import Place, UnknownCollectionError
from scripts.migration.values import fields_from_json, fields_to_json, timestamp

FORMAT, VERSION = "liftlog-export", 1
MAX_LINE_BYTES = 16 * 1024 * 1024
"""A document has up to 1 MiB. JSON needs up to six bytes for a byte of text."""


@dataclass(frozen=True)
class Entry:
    """A document in a file."""

    line: int
    """The number of its line, from 1."""

    size_bytes: int
    place: Place
    fields: dict[str, Any]


def document_line(place: Place, fields: dict[str, Any]) -> bytes:
    """Return the line of a document."""
    return _line({"path": place.path, "fields": fields_to_json(fields)})


class LineWriter:
    """Produces the first and the last line of a file, from the lines between them."""

    def __init__(self) -> None:
        self._sums = _Sums()

    def header(self, at: datetime) -> bytes:
        """Return the first line."""
        return self._sums.add(
            _line({"format": FORMAT, "version": VERSION, "exported_at": timestamp(at)})
        )

    def add(self, place: Place, line: bytes) -> bytes:
        """Count the next line of a document, and return it."""
        return self._sums.add(line, place)

    def trailer(self) -> bytes:
        """Return the last line."""
        return _line({"trailer": self._sums.trailer})


class LineReader:
    """Yields the documents of a file, and checks every line and the trailer.

    Args:
        lines: the lines of the file, each with its end, and up to `MAX_LINE_BYTES` + 1 bytes.
    """

    def __init__(self, lines: Iterable[bytes]) -> None:
        self._lines = enumerate(lines, start=1)
        self._sums = _Sums()

    def __iter__(self) -> Iterator[Entry]:
        """Yield the documents in the order of the file.

        Raises:
            DamagedFileError: a line is damaged, or lines are missing.
            MigrationError: a newer program wrote the file, or it has unknown collections.
        """
        self._read_header()
        for number, line in self._lines:
            content = _parse(number, line)
            if "trailer" in content:
                self._check_trailer(number, content)
                return
            entry = _entry(number, line, content)
            self._sums.add(line, entry.place)
            yield entry
        raise DamagedFileError("the file is cut off: its last line is missing; use a whole file")

    def _read_header(self) -> None:
        _, line = next(self._lines, (1, b""))
        try:
            header = json.loads(line[:MAX_LINE_BYTES])
            is_export = header["format"] == FORMAT
            version = int(header["version"])
        except (ValueError, TypeError, KeyError, RecursionError):
            is_export, version = False, 0
        if not is_export:
            raise MigrationError("the file is not an export of LiftLog; use another file")
        if version > VERSION:
            raise MigrationError(
                f"the file has version {version} of the format, and this program reads version "
                f"{VERSION}; install the newer program"
            )
        self._sums.add(line)

    def _check_trailer(self, number: int, content: dict[str, Any]) -> None:
        if content != {"trailer": self._sums.trailer}:
            raise DamagedFileError(
                "the lines of the file differ from the exported ones: the checksum or a count in "
                "its last line does not match; use another file"
            )
        for after, _ in self._lines:
            raise DamagedFileError(f"line {after} is damaged: line {number} is the last one")


class _Sums:
    """The counts and the checksum of the lines so far."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self._counts: Counter[str] = Counter()

    def add(self, line: bytes, place: Place | None = None) -> bytes:
        self._hash.update(line)
        if place is not None:
            self._counts[place.collection.name] += 1
        return line

    @property
    def trailer(self) -> dict[str, Any]:
        return {
            "documents": self._counts.total(),
            "collections": dict(sorted(self._counts.items())),
            "sha256": self._hash.hexdigest(),
        }


def _line(content: dict[str, Any]) -> bytes:
    text = json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.encode() + b"\n"


def _parse(number: int, line: bytes) -> dict[str, Any]:
    if not line.endswith(b"\n"):
        if len(line) <= MAX_LINE_BYTES:
            raise DamagedFileError(f"the file is cut off in line {number}; use a whole file")
        raise DamagedFileError(f"line {number} is too long; use another file")
    try:
        content = json.loads(line, parse_constant=_reject)
    except (ValueError, RecursionError):
        raise _damaged(number) from None
    if not isinstance(content, dict):
        raise _damaged(number)
    return content


def _entry(number: int, line: bytes, content: dict[str, Any]) -> Entry:
    if content.keys() != {"path", "fields"}:
        raise _damaged(number)
    try:
        place = Place.of(content["path"])
        return Entry(number, len(line), place, fields_from_json(content["fields"]))
    except UnknownCollectionError as error:
        raise MigrationError(
            f"line {number} has the unknown collection {error}; install the program that wrote "
            "the file, or a newer one"
        ) from None
    except (ValueError, AttributeError, RecursionError, OverflowError):
        # `from None`: the text of the error can contain parts of the line.
        raise _damaged(number) from None


def _damaged(number: int) -> DamagedFileError:
    return DamagedFileError(f"line {number} is damaged; use another file")


def _reject(_constant: str) -> float:
    raise ValueError("not a number of JSON")
