"""The lines of an export."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from scripts.migration.errors import DamagedFileError, MigrationError
from scripts.migration.lines import MAX_LINE_BYTES, LineReader, LineWriter, document_line
from scripts.migration.places import Place
from shared.store.data_model import EVENTS, USERS

SECRET = "SECRET-content"  # noqa: S105 - must not be in an error
AT = datetime(2026, 11, 27, 12, tzinfo=UTC)
DOCUMENTS: list[tuple[Place, dict[str, Any]]] = [
    (Place(USERS, "u1"), {"lookup": SECRET}),
    (Place(USERS, "u2"), {}),
    (Place(EVENTS, "e1", "u1"), {"encrypted_payload": SECRET.encode(), "expiry": AT}),
]


def written() -> list[bytes]:
    """Return the lines of an export of `DOCUMENTS`."""
    writer = LineWriter()
    header = writer.header(AT)
    lines = [writer.add(place, document_line(place, fields)) for place, fields in DOCUMENTS]
    return [header, *lines, writer.trailer()]


def read(lines: list[bytes]) -> list[tuple[Place, dict[str, Any]]]:
    return [(entry.place, entry.fields) for entry in LineReader(lines)]


def test_documents_are_read_back_in_order() -> None:
    assert read(written()) == DOCUMENTS
    assert [entry.line for entry in LineReader(written())] == [2, 3, 4]


def test_lines_have_their_documented_form() -> None:
    header, first, _, last, trailer = (json.loads(line) for line in written())
    assert header == {
        "format": "liftlog-export", "version": 1, "exported_at": "2026-11-27T12:00:00.000000Z"
    }  # fmt: skip
    assert first == {"path": "users/u1", "fields": {"lookup": SECRET}}
    assert last["path"] == "users/u1/events/e1"
    assert trailer["trailer"]["documents"] == 3
    assert trailer["trailer"]["collections"] == {"events": 1, "users": 2}
    assert len(trailer["trailer"]["sha256"]) == 64


def test_equal_documents_have_equal_lines() -> None:
    place = Place(USERS, "u")
    assert document_line(place, {"a": 1, "b": {"c": 2, "d": 3}}) == document_line(
        place, {"b": {"d": 3, "c": 2}, "a": 1}
    )


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda lines: lines[:-1], "the file is cut off: its last line is missing"),
        (lambda lines: [*lines[:-1], lines[-1][:-9]], "the file is cut off in line 5"),
        (lambda lines: [*lines[:2], lines[2][:-9]], "the file is cut off in line 3"),
        (lambda lines: [lines[0], *lines[2:]], "the checksum or a count"),
        (lambda lines: [lines[0], lines[2], lines[1], *lines[3:]], "the checksum or a count"),
        (lambda lines: [lines[0].replace(b":1,", b": 1,"), *lines[1:]], "the checksum or a count"),
        (lambda lines: [*lines[:-1], lines[-1].replace(b":3,", b":4,")], "the checksum or a count"),
        (lambda lines: [*lines, lines[1]], "line 6 is damaged: line 5 is the last one"),
        (lambda lines: [*lines[:2], b"{\xff}\n", *lines[2:]], "line 3 is damaged"),
        (lambda lines: [*lines[:2], b"[]\n", *lines[2:]], "line 3 is damaged"),
        (lambda lines: [*lines[:2], b"\n", *lines[2:]], "line 3 is damaged"),
        (lambda lines: [*lines[:2], b"[" * 100_000 + b"\n"], "line 3 is damaged"),
        (lambda lines: [*lines[:2], b"x" * (MAX_LINE_BYTES + 1)], "line 3 is too long"),
    ],
    ids=[
        "no-trailer", "cut-trailer", "cut-line", "lost-line", "swapped-lines", "other-header",
        "other-count", "line-after-trailer", "no-text", "no-object", "empty-line", "deep", "long",
    ],
)  # fmt: skip
def test_damaged_file_is_rejected(
    change: Callable[[list[bytes]], list[bytes]], problem: str
) -> None:
    with pytest.raises(DamagedFileError, match=problem):
        read(change(written()))


@pytest.mark.parametrize(
    "line",
    [
        {"path": "users/u1", "fields": {"lookup": {"SECRET-kind": 1}}},
        {"path": "users/u1", "fields": {"lookup": {"int": "SECRET-1"}}},
        {"path": "users/u1", "fields": {"lookup": 1.5}},
        {"path": "users/u1", "fields": ["SECRET"]},
        {"path": "users/u1", "fields": {"a": {"timestamp": "SECRET"}}},
        {"path": "users/SECRET-1/events", "fields": {}},
        {"path": "SECRET name/1", "fields": {}},
        {"path": ["SECRET"], "fields": {}},
        {"path": "users/u1"},
        {"path": "users/u1", "fields": {}, "SECRET": 1},
    ],
    ids=json.dumps,
)
def test_damaged_line_is_named_without_its_content(line: dict[str, Any]) -> None:
    lines = [written()[0], json.dumps(line).encode() + b"\n"]
    with pytest.raises(DamagedFileError) as error:
        read(lines)
    assert str(error.value) == "line 2 is damaged; use another file"
    # A traceback would show the error of the parser, which contains parts of the line.
    assert error.value.__context__ is None or error.value.__suppress_context__


def test_unknown_collection_is_named() -> None:
    lines = [written()[0], b'{"path":"notes/SECRET-1","fields":{"a":"SECRET"}}\n']
    with pytest.raises(
        MigrationError, match=r"^line 2 has the unknown collection notes; "
    ) as error:
        read(lines)
    assert "SECRET" not in str(error.value)


@pytest.mark.parametrize("line", [b"", b"{}\n", b"x\n", b"[]\n", b'{"format":"other"}\n'])
def test_other_file_is_rejected(line: bytes) -> None:
    with pytest.raises(MigrationError, match=r"^the file is not an export of LiftLog; "):
        read([line] if line else [])


def test_file_of_a_newer_program_is_rejected() -> None:
    with pytest.raises(MigrationError, match=r"version 2 .*; install the newer program$"):
        read([b'{"format":"liftlog-export","version":2,"unknown":0}\n'])
