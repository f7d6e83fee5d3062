"""The tables of the file, their version, and the upgrade of older files."""

import sqlite3
from collections.abc import Iterator, Sequence

from google.cloud.firestore_v1.types import Document

from shared.store.engines.sqlite.indexes import Indexes
from shared.store.engines.sqlite.keys import path_of

# Marks the file as ours: the bytes of "Lift".
APPLICATION_ID = 0x4C696674

UPGRADES: Sequence[str] = (
    """
    CREATE TABLE documents (
        number INTEGER PRIMARY KEY,
        collection BLOB NOT NULL,       -- the key of the path of the collection
        id BLOB NOT NULL,               -- the key of the id
        update_time INTEGER NOT NULL,   -- microseconds since 1970
        content BLOB NOT NULL,          -- the fields, as a google.firestore.v1.Document
        UNIQUE (collection, id)
    );
    CREATE TABLE entries (
        scope BLOB NOT NULL,            -- the key of a field of a collection or of a group
        position BLOB NOT NULL,         -- the key of the value, then that of the document
        document INTEGER NOT NULL,
        PRIMARY KEY (scope, position)
    ) WITHOUT ROWID;
    CREATE TABLE state (
        name TEXT PRIMARY KEY,
        value NOT NULL
    ) WITHOUT ROWID;
    INSERT INTO state VALUES ('last_update_time', 0), ('indexes', '');
    """,
)
"""One script per version of the schema. The version of a file is the number of scripts that ran."""


class IncompatibleFileError(Exception):
    """The file is not a database of this program, or one of a newer program."""


def prepare(
    connection: sqlite3.Connection, indexes: Indexes, upgrades: Sequence[str] = UPGRADES
) -> None:
    """Create the tables, or upgrade them to the newest version; one transaction.

    Raises:
        IncompatibleFileError: this program cannot use the file.
    """
    if _is_current(connection, indexes, len(upgrades)):
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        # Another process may have upgraded the file before this transaction began.
        if not _is_current(connection, indexes, len(upgrades)):
            _upgrade(connection, indexes, upgrades)
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise


def schema_version(connection: sqlite3.Connection) -> int:
    """Return the version of the file; 0 for an empty file."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _is_current(connection: sqlite3.Connection, indexes: Indexes, newest: int) -> bool:
    version = schema_version(connection)
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    if tables and application != APPLICATION_ID:
        raise IncompatibleFileError("the database file belongs to another program")
    if version > newest:
        raise IncompatibleFileError(
            f"the database file has schema version {version}, and this program supports up to "
            f"{newest}; install the newer program"
        )
    return version == newest and _declaration(connection) == indexes.declaration


def _upgrade(connection: sqlite3.Connection, indexes: Indexes, upgrades: Sequence[str]) -> None:
    for script in upgrades[schema_version(connection) :]:
        # `executescript` would commit the transaction.
        for statement in filter(str.strip, script.split(";\n")):
            connection.execute(statement)
    if _declaration(connection) != indexes.declaration:
        # The data model has changed since the file was written.
        connection.execute("DELETE FROM entries")
        connection.executemany(
            "INSERT INTO entries VALUES (?, ?, ?)", document_entries(connection, indexes)
        )
        connection.execute(
            "UPDATE state SET value = ? WHERE name = 'indexes'", (indexes.declaration,)
        )
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {len(upgrades)}")


def document_entries(
    connection: sqlite3.Connection, indexes: Indexes
) -> Iterator[tuple[bytes, bytes, int]]:
    """Yield the scope, the position and the document's number of all entries that should exist."""
    documents = connection.execute("SELECT number, collection, id, content FROM documents")
    parse = Document.pb().FromString
    for number, collection, document, content in documents:
        name = path_of(collection)[-1]
        for entry in indexes.entries(collection, name, document, parse(content).fields):
            yield (*entry, number)


def _declaration(connection: sqlite3.Connection) -> str:
    row = connection.execute("SELECT value FROM state WHERE name = 'indexes'").fetchone()
    if row is None:
        # A cut file. SQLite raises the same error for most damages.
        raise sqlite3.DatabaseError("database disk image is malformed")
    return str(row[0])
