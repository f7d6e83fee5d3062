"""The execution of commits: several in one transaction, each of them whole or not at all.

Source: https://cloud.google.com/firestore/docs/reference/rpc/google.firestore.v1#write
"""

import sqlite3
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from google.api_core import exceptions
from google.cloud.firestore_v1.types import Document

from shared.store.engines.sqlite.fields import merged
from shared.store.engines.sqlite.indexes import Indexes
from shared.store.engines.sqlite.keys import path_of
from shared.store.engines.sqlite.limits import check_limits
from shared.store.engines.sqlite.locks import begin_write
from shared.store.engines.sqlite.names import DocumentKey, Names
from shared.store.engines.sqlite.repeated import check_repeated
from shared.store.engines.sqlite.support import require

if TYPE_CHECKING:
    from google.protobuf.message import Message

_Document = Document.pb()

Outcome = Exception | None


@dataclass(frozen=True)
class _Stored:
    number: int
    update_time: int
    document: "Message"


_Originals = dict[DocumentKey, _Stored | None]
"""The documents before the commit that wrote them. None: missing, or deleted by the commit."""


class PendingCommit:
    """A commit that waits for its transaction."""

    def __init__(self, writes: "Sequence[Message]") -> None:
        self.writes = writes
        """Read it once: the caller may abandon the commit at any time."""

        self.size_bytes = sum(write.ByteSize() for write in writes)

    def abandon(self) -> None:
        """Do not execute the commit, unless its transaction has read the writes."""
        self.writes = ()


class Commits:
    """Executes commits on a connection."""

    def __init__(self, names: Names, indexes: Indexes) -> None:
        self._names = names
        self._indexes = indexes

    def execute(
        self, connection: sqlite3.Connection, commits: Sequence[PendingCommit]
    ) -> list[Outcome]:
        """Execute commits in one transaction. Return None or the error of each.

        A commit with an error leaves nothing, and does not affect the others. Abandoned commits are
        skipped.

        Raises:
            sqlite3.Error: no commit was executed.
        """
        begin_write(connection)
        try:
            outcomes = [self._execute_one(connection, commit.writes) for commit in commits]
            connection.execute("COMMIT")
        except BaseException:
            # After some errors, for example a full disk, SQLite has rolled back already.
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        return outcomes

    def _execute_one(self, connection: sqlite3.Connection, writes: "Sequence[Message]") -> Outcome:
        if not writes:
            return None
        update_time = _next_update_time(connection)
        originals: _Originals = {}
        connection.execute("SAVEPOINT one")
        try:
            # As in Firestore, invalid requests fail before any precondition.
            keys = [self._names.key(_name(write)) for write in writes]
            check_repeated(writes)
            for key, write in zip(keys, writes, strict=True):
                self._write(connection, key, write, update_time, originals)
        except (exceptions.GoogleAPICallError, NotImplementedError) as error:
            connection.execute("ROLLBACK TO one")
            return error
        finally:
            connection.execute("RELEASE one")
        return None

    def _write(
        self,
        connection: sqlite3.Connection,
        key: DocumentKey,
        write: "Message",
        update_time: int,
        originals: _Originals,
    ) -> None:
        stored = _find(connection, key)
        _check(write.current_document, stored, is_first=key not in originals)
        original = originals.setdefault(key, stored)
        if write.HasField("delete"):
            originals[key] = None
            if stored is not None:
                self._delete(connection, key, stored)
            return
        document = _Document(fields=write.update.fields)
        if write.HasField("update_mask"):
            before = stored.document if stored else _Document()
            document = merged(before, document, write.update_mask.field_paths)
        if stored is not None and stored.document == document:
            return  # As in Firestore, the document keeps its update time.
        if original is not None and original.document == document:
            update_time = original.update_time
        self._put(connection, key, stored, document, update_time)

    def _put(
        self,
        connection: sqlite3.Connection,
        key: DocumentKey,
        stored: _Stored | None,
        document: "Message",
        update_time: int,
    ) -> None:
        check_limits(path_of(key.collection + key.id), document.fields)
        content = document.SerializeToString()
        entries = self._entries(key, document)
        if stored is None:
            number = connection.execute(
                "INSERT INTO documents (collection, id, update_time, content) VALUES (?, ?, ?, ?)",
                (key.collection, key.id, update_time, content),
            ).lastrowid
            before = set()
        else:
            number = stored.number
            connection.execute(
                "UPDATE documents SET update_time = ?, content = ? WHERE number = ?",
                (update_time, content, number),
            )
            before = self._entries(key, stored.document)
        _delete_entries(connection, before - entries)
        connection.executemany(
            "INSERT INTO entries VALUES (?, ?, ?)",
            ((*entry, number) for entry in entries - before),
        )

    def _delete(self, connection: sqlite3.Connection, key: DocumentKey, stored: _Stored) -> None:
        connection.execute("DELETE FROM documents WHERE number = ?", (stored.number,))
        _delete_entries(connection, self._entries(key, stored.document))

    def _entries(self, key: DocumentKey, document: "Message") -> set[tuple[bytes, bytes]]:
        return set(
            self._indexes.entries(key.collection, key.collection_name, key.id, document.fields)
        )


def _name(write: "Message") -> str:
    operation = write.WhichOneof("operation")
    require(operation in ("update", "delete"), f"the write {operation}")
    require(not write.update_transforms, "transforms of fields")
    return str(write.update.name if operation == "update" else write.delete)


def _next_update_time(connection: sqlite3.Connection) -> int:
    """Return the current time in microseconds, but more than that of all commits before."""
    ((update_time,),) = connection.execute(
        "UPDATE state SET value = max(value + 1, ?) WHERE name = 'last_update_time' "
        "RETURNING value",
        (time.time_ns() // 1000,),
    ).fetchall()
    return int(update_time)


def _find(connection: sqlite3.Connection, key: DocumentKey) -> _Stored | None:
    row = connection.execute(
        "SELECT number, update_time, content FROM documents WHERE collection = ? AND id = ?",
        (key.collection, key.id),
    ).fetchone()
    return None if row is None else _Stored(row[0], row[1], _Document.FromString(row[2]))


def _check(precondition: "Message", stored: _Stored | None, *, is_first: bool) -> None:
    """Raise Firestore's error if the precondition of a write does not hold."""
    kind = precondition.WhichOneof("condition_type")
    if kind == "exists" and precondition.exists and stored is None:
        raise exceptions.NotFound("no such document")
    if kind == "exists" and not precondition.exists and stored is not None:
        raise exceptions.AlreadyExists("the document exists")
    # A later write of the commit has the same update time as the first one.
    if kind == "update_time" and is_first:
        expected_ns = precondition.update_time.ToNanoseconds()
        if stored is None or stored.update_time * 1000 != expected_ns:
            raise exceptions.FailedPrecondition("the document has changed")


def _delete_entries(connection: sqlite3.Connection, entries: "set[tuple[bytes, bytes]]") -> None:
    connection.executemany("DELETE FROM entries WHERE scope = ? AND position = ?", entries)
