"""The execution of reads: documents by name, queries, and pages of ids."""

import sqlite3
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from google.api_core.exceptions import InvalidArgument
from google.cloud.firestore_v1.types import Document

from shared.store.engines.protocol import IdPage
from shared.store.engines.sqlite.fields import field_name, selected
from shared.store.engines.sqlite.keys import after_prefix, key_of_path, path_of
from shared.store.engines.sqlite.names import Names
from shared.store.engines.sqlite.queries import Scan
from shared.store.engines.sqlite.support import require

if TYPE_CHECKING:
    from google.protobuf.message import Message

_Document = Document.pb()

_BY_ID_ASCENDING = """
    SELECT collection, id, update_time, content FROM documents
    WHERE collection = ? AND id >= ? AND id < ? ORDER BY id LIMIT ?
"""
# CROSS JOIN: SQLite reads the tables in this order, so the rows have the order of the index.
_BY_ENTRY_ASCENDING = """
    SELECT collection, id, update_time, content
    FROM entries CROSS JOIN documents ON number = document
    WHERE scope = ? AND position >= ? AND position < ? ORDER BY position LIMIT ?
"""
_BY_ID, _BY_ENTRY = (
    {False: ascending, True: ascending.replace(" LIMIT", " DESC LIMIT")}
    for ascending in (_BY_ID_ASCENDING, _BY_ENTRY_ASCENDING)
)


class Reads:
    """Executes reads on a connection."""

    def __init__(self, names: Names) -> None:
        self._names = names

    def documents(
        self, connection: sqlite3.Connection, names: Sequence[str], fields: Sequence[str]
    ) -> "list[Message]":
        """Return the documents that exist, in one snapshot. With `fields`, return only these."""
        found = []
        selection = [field_name(field) for field in fields] or None
        with _snapshot(connection):
            for name in names:
                key = self._names.key(name)
                row = connection.execute(
                    "SELECT update_time, content FROM documents WHERE collection = ? AND id = ?",
                    (key.collection, key.id),
                ).fetchone()
                if row is not None:
                    found.append(_document(name, row[0], row[1], selection))
        return found

    def scan(self, connection: sqlite3.Connection, scan: Scan) -> "list[Message]":
        """Return the documents in the range of `scan`, in order."""
        keys = (scan.keys.low, scan.keys.high, scan.limit)
        if scan.scope is None:
            rows = connection.execute(_BY_ID[scan.is_descending], (scan.collection, *keys))
        else:
            rows = connection.execute(_BY_ENTRY[scan.is_descending], (scan.scope, *keys))
        return [
            _document(self._names.name(collection, document), update_time, content, scan.fields)
            for collection, document, update_time, content in rows
        ]

    def ids(
        self, connection: sqlite3.Connection, collection: str, page_size: int, page_token: str
    ) -> IdPage:
        """Return a page of ids, also those of missing documents. The token is the last id in hex.

        Raises:
            InvalidArgument: the token is invalid.
        """
        require(page_size > 0, "a page of ids without a size")
        try:
            last = bytes.fromhex(page_token)
        except ValueError:
            raise InvalidArgument("the page token is invalid") from None
        collection_key = key_of_path([collection])
        with _snapshot(connection):
            existing = {
                row[0]
                for row in connection.execute(
                    "SELECT id FROM documents WHERE collection = ? AND id > ? ORDER BY id LIMIT ?",
                    (collection_key, last, page_size),
                )
            }
            parents = set(_parents(connection, collection_key, last, page_size))
        page = sorted(existing | parents)[:page_size]
        return IdPage(
            ids=[path_of(key)[0] for key in page],
            missing=[path_of(key)[0] for key in page if key not in existing],
            next_page_token=page[-1].hex() if len(page) == page_size else "",
        )


def _parents(
    connection: sqlite3.Connection, collection: bytes, last: bytes, limit: int
) -> Iterator[bytes]:
    """Yield the keys of the ids with documents below them, after `last`; one seek each."""
    # An empty `last` begins at the first collection below `collection`.
    low = after_prefix(collection + last) if last else collection + b"\x00"
    for _ in range(limit):
        row = connection.execute(
            "SELECT collection FROM documents WHERE collection > ? AND collection < ? "
            "ORDER BY collection LIMIT 1",
            (low, after_prefix(collection)),
        ).fetchone()
        if row is None:
            return
        depth = len(path_of(collection))
        parent = key_of_path(path_of(row[0])[depth : depth + 1])
        yield parent
        low = after_prefix(collection + parent)


class _snapshot:  # noqa: N801 - a context manager
    """All reads inside the block see the same commit."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def __enter__(self) -> None:
        self._connection.execute("BEGIN")

    def __exit__(self, *_: object) -> None:
        # After an error of the disk, SQLite may have rolled back already.
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")


def _document(
    name: str, update_time: int, content: bytes, fields: Sequence[str] | None
) -> "Message":
    document = _Document.FromString(content)
    if fields is not None:
        document = selected(document, fields)
    document.name = name
    document.update_time.FromMicroseconds(update_time)
    return document
