"""Sample documents, written and read without the code under test."""

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from scripts.migration.databases import Databases
from scripts.migration.export import export_all
from scripts.migration.import_ import import_all
from scripts.migration.lines import LineReader
from shared.store.data_model import (
    ALL,
    EVENTS,
    PICTURE_PARTS,
    SHARED_ITEMS,
    USERS,
    Collection,
)

if TYPE_CHECKING:
    from google.cloud.firestore_v1.async_document import AsyncDocumentReference

_BY_NAME = {collection.name: collection for collection in ALL}
AT = datetime(2026, 11, 27, 12, 0, 0, 123456, tzinfo=UTC)
EVERY_TYPE: dict[str, Any] = {
    "null": None,
    "yes": True,
    "small": 1,
    "large": 2**53 + 1,
    "smallest": -(2**63),
    "double": 0.1,
    "whole": 2.0,
    "text": "ü\u2028\U0001f600 \"'\\ \x00",
    "bytes": bytes(range(256)),
    "time": AT,
    "oldest": datetime(1, 1, 1, tzinfo=UTC),
    "list": [1, 1.0, "1", None, {"in": [b""]}],
    "map": {" `": {}, "a.b": {"c": [AT]}, "expiry": {}},
    "empty": [],
}

Documents = dict[str, dict[str, Any]]
"""The fields of documents by path."""


def sample(users: int = 3, events: int = 3, parts: int = 2) -> Documents:
    """Return documents in all collections, also of a deleted user."""
    found: Documents = {}
    for collection in ALL:
        if not collection.per_user and collection != USERS:
            found |= {f"{collection.name}/{n}": {**EVERY_TYPE, "n": n} for n in range(3)}
    for user in range(users):
        found[f"users/user-{user}"] = {**EVERY_TYPE, "n": user}
        for collection in ALL:
            if collection.per_user:
                count = {EVENTS: events, PICTURE_PARTS: parts}.get(collection, 1)
                for n in range(count):
                    path = f"users/user-{user}/{collection.name}/{n}"
                    found[path] = {"n": n, **_expiry(collection, n)}
    # Documents of a deleted user, until the cleanup deletes them.
    found["users/deleted/events/1"] = {"n": 1}
    found["users/deleted-too/inbox/1"] = {"n": 2}
    found[f"{SHARED_ITEMS.name}/:ü ~"] = {}
    return found


def _expiry(collection: Collection, n: int) -> dict[str, datetime]:
    return {collection.ttl_field: AT + timedelta(days=n)} if collection.ttl_field else {}


def reference(databases: Databases, path: str) -> "AsyncDocumentReference":
    """Return the reference of a document."""
    *_, collection, document = path.split("/")
    return databases.main.collection(_BY_NAME[collection], path.split("/")[1]).document(document)


async def write(databases: Databases, documents: Documents) -> None:
    """Write documents."""
    items = list(documents.items())
    for start in range(0, len(items), 100):
        batch = databases.main.batch()
        for path, fields in items[start : start + 100]:
            batch.set(reference(databases, path), fields)
        await databases.main.commit(batch)


async def read(databases: Databases, documents: Documents) -> tuple[Documents, dict[str, Any]]:
    """Return the fields and the versions of those of `documents` that exist."""
    found = await databases.main.read([reference(databases, path) for path in documents])
    paths = [each.reference.path for each in found]
    return (
        dict(zip(paths, (each.fields for each in found), strict=True)),
        dict(zip(paths, (each.version for each in found), strict=True)),
    )


async def exported(databases: Databases, at: datetime = AT) -> bytes:
    """Return an export."""
    content = bytearray()
    count = await export_all(databases, content.extend, at, lambda _: None)
    assert count == content.count(b"\n") - 2
    return bytes(content)


async def imported(databases: Databases, content: bytes) -> int:
    """Import an export; return the number of documents."""
    lines = content.splitlines(keepends=True)
    return await import_all(databases, LineReader(lines), lambda _: None)
