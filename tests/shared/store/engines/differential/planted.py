"""Faults of the SQLite engine, planted to show that the differential test finds them."""

import sqlite3
import struct
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from google.cloud.firestore_v1.field_path import FieldPath

from shared.store.engines.sqlite import commits, fields, keys, queries, reads, values

if TYPE_CHECKING:
    from google.protobuf.message import Message

_PACKAGE = "shared.store.engines.sqlite."

Patch = pytest.MonkeyPatch


def page_begins_one_too_early(patch: Patch) -> None:
    """`start_after` also returns the document at the cursor."""
    original = queries._Cursor.keys  # noqa: SLF001

    def keys_at(self: Any, *, is_descending: bool) -> object:
        return original(replace(self, is_before=True), is_descending=is_descending)

    patch.setattr(queries._Cursor, "keys", keys_at)  # noqa: SLF001


def page_has_one_too_many(patch: Patch) -> None:
    """A limit returns one document more."""
    original = reads.Reads.scan

    def scan(self: reads.Reads, connection: sqlite3.Connection, scan: queries.Scan) -> Any:
        limit = scan.limit + 1 if scan.limit > 0 else scan.limit
        return original(self, connection, replace(scan, limit=limit))

    patch.setattr(reads.Reads, "scan", scan)


def ids_sort_by_last_byte(patch: Patch) -> None:
    """Ids sort by their bytes from the last to the first."""
    _replace_ids(patch, lambda text: text.encode()[::-1], lambda key: key[::-1].decode())


def ids_sort_as_utf16(patch: Patch) -> None:
    """Ids sort as JavaScript sorts them."""
    _replace_ids(patch, lambda text: text.encode("utf-16-be"), lambda key: key.decode("utf-16-be"))


def strings_sort_as_utf16(patch: Patch) -> None:
    """Strings in fields sort as JavaScript sorts them."""
    part = values._Part  # noqa: SLF001
    patch.setitem(
        values._SIMPLE,  # noqa: SLF001
        "string_value",
        lambda text: part(1, b"\x05", text.encode("utf-16-be")),
    )


def numbers_sort_by_type(patch: Patch) -> None:
    """An integer is never equal to a double."""
    original = values._key_of_number  # noqa: SLF001

    def key(number: float) -> bytes:
        return original(number) + struct.pack("?", isinstance(number, int))

    patch.setattr(values, "_key_of_number", key)


def read_ignores_the_mask(patch: Patch) -> None:
    """A batch read of some fields returns all fields."""
    original = reads.Reads.documents

    def documents(self: reads.Reads, connection: sqlite3.Connection, names: Any, _: Any) -> Any:
        return original(self, connection, names, [])

    patch.setattr(reads.Reads, "documents", documents)


def query_ignores_the_projection(patch: Patch) -> None:
    """`select` returns all fields."""
    patch.setattr(queries, "_projection", lambda _query: None)


def update_time_stands_still(patch: Patch) -> None:
    """Each commit has the same update time."""
    patch.setattr(commits, "_next_update_time", lambda _connection: 1_000_000)


def unchanged_document_is_touched(patch: Patch) -> None:
    """A write that changes nothing has a new update time."""
    original = commits.Commits._write  # noqa: SLF001

    def write(
        self: commits.Commits,
        connection: sqlite3.Connection,
        key: Any,
        write: "Message",
        update_time: int,
        originals: Any,
    ) -> None:
        original(self, connection, key, write, update_time, originals)
        connection.execute(
            "UPDATE documents SET update_time = ? WHERE collection = ? AND id = ?",
            (update_time, key.collection, key.id),
        )

    patch.setattr(commits.Commits, "_write", write)


def preconditions_always_hold(patch: Patch) -> None:
    """No precondition is checked."""
    patch.setattr(commits, "_check", lambda *_arguments, **_options: None)


def merge_drops_siblings(patch: Patch) -> None:
    """A merge into a map replaces the map."""
    original = fields.merged

    def merged(document: "Message", update: "Message", mask: Iterable[str]) -> Any:
        return original(document, update, map(_first_part, mask))

    patch.setattr(commits, "merged", merged)


def range_matches_other_types(patch: Patch) -> None:
    """A range filter on a number also returns texts."""
    patch.setattr(queries, "keys_of_type", lambda _key: (b"", b"\xff"))


def descending_order_is_ignored(patch: Patch) -> None:
    """All queries are ascending."""
    patch.setattr(queries, "_is_descending", lambda _query: False)


def failed_commit_leaves_writes(patch: Patch) -> None:
    """The writes before a failed one stay."""

    class Kept:
        def __init__(self, connection: sqlite3.Connection) -> None:
            self._connection = connection

        def execute(self, statement: str, *parameters: Any) -> Any:
            kept = statement.replace("ROLLBACK TO one", "SELECT 1")
            return self._connection.execute(kept, *parameters)

        def __getattr__(self, name: str) -> Any:
            return getattr(self._connection, name)

    original = commits.Commits._execute_one  # noqa: SLF001
    patch.setattr(
        commits.Commits,
        "_execute_one",
        lambda self, connection, writes: original(self, Kept(connection), writes),  # type: ignore[arg-type]
    )


def missing_parents_are_not_listed(patch: Patch) -> None:
    """A list of ids has only the ids of documents."""
    patch.setattr(reads, "_parents", lambda *_arguments: iter(()))


PLANTED: Sequence[Callable[[Patch], None]] = (
    page_begins_one_too_early,
    read_ignores_the_mask,
    update_time_stands_still,
    failed_commit_leaves_writes,
    page_has_one_too_many,
    ids_sort_by_last_byte,
    ids_sort_as_utf16,
    strings_sort_as_utf16,
    numbers_sort_by_type,
    query_ignores_the_projection,
    unchanged_document_is_touched,
    preconditions_always_hold,
    merge_drops_siblings,
    range_matches_other_types,
    descending_order_is_ignored,
    missing_parents_are_not_listed,
)
"""The first ones represent queries, reads, update times and commits."""


def _first_part(path: str) -> str:
    return str(FieldPath(FieldPath.from_api_repr(path).parts[0]).to_api_repr())


def _replace_ids(
    patch: Patch, encode: Callable[[str], bytes], decode: Callable[[bytes], str]
) -> None:
    """Replace the keys of ids everywhere."""

    def key_of_path(segments: list[str]) -> bytes:
        return b"".join(
            keys.key_of_bytes(encode(keys._checked(segment).decode()))  # noqa: SLF001
            for segment in segments
        )

    def path_of(key: bytes) -> list[str]:
        parts = key.split(b"\x00\x01")[:-1]
        return [decode(part.replace(b"\x00\xff", b"\x00")) for part in parts]

    replaced = {keys.key_of_path: key_of_path, keys.path_of: path_of}
    for name, module in list(sys.modules.items()):
        if name.startswith(_PACKAGE):
            for original, replacement in replaced.items():
                if getattr(module, original.__name__, None) is original:
                    patch.setattr(module, original.__name__, replacement)
