"""Single documents of a database, written and read as a test needs them."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from shared.store.database import Database
from shared.store.documents import Document

if TYPE_CHECKING:
    from google.cloud.firestore_v1.async_collection import AsyncCollectionReference
    from google.cloud.firestore_v1.async_document import AsyncDocumentReference

_MAX_DOCUMENTS = 10_000


async def put(
    database: Database, document: "AsyncDocumentReference", fields: Mapping[str, Any]
) -> None:
    """Replace a document, or create it."""
    batch = database.batch()
    batch.set(document, {**fields})
    await database.commit(batch)


async def update(
    database: Database, document: "AsyncDocumentReference", fields: Mapping[str, Any]
) -> None:
    """Replace some fields of an existing document."""
    batch = database.batch()
    batch.update(document, {**fields})
    await database.commit(batch)


async def delete(database: Database, document: "AsyncDocumentReference") -> None:
    """Delete a document."""
    batch = database.batch()
    batch.delete(document)
    await database.commit(batch)


async def find_fields(
    database: Database, document: "AsyncDocumentReference"
) -> dict[str, Any] | None:
    """Return the fields of a document, or None if it does not exist."""
    found = await database.read_one(document)
    return None if found is None else found.fields


async def exists(database: Database, document: "AsyncDocumentReference") -> bool:
    """Return whether a document exists."""
    return await database.read_one(document) is not None


async def documents_in(
    database: Database, collection: "AsyncCollectionReference"
) -> list[Document]:
    """Return all documents of a small collection, in the order of their ids."""
    return await database.query(collection.limit(_MAX_DOCUMENTS))
