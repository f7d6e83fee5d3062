"""Documents of a database, written and read as a test needs them, on any engine."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import TYPE_CHECKING, Any

from shared.store.data_model import USERS, Collection
from shared.store.database import Database
from shared.store.documents import Document

if TYPE_CHECKING:
    from google.cloud.firestore_v1.async_collection import AsyncCollectionReference
    from google.cloud.firestore_v1.async_document import AsyncDocumentReference

_PAGE_SIZE = 300
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


async def all_documents(database: Database, collection: Collection) -> list[Document]:
    """Return the ids and versions of all documents, also of those below missing users.

    Costs a query per user for a collection below users. The embedded database has no query of a
    collection group by name.
    """
    if not collection.per_user:
        return await _documents(database, collection, None)
    ids = [user_id async for user_id in _user_ids(database)]
    found = await asyncio.gather(*(_documents(database, collection, each) for each in ids))
    return [document for documents in found for document in documents]


async def _documents(
    database: Database, collection: Collection, user_id: str | None
) -> list[Document]:
    everything = database.collection(collection, user_id).select([]).limit(_MAX_DOCUMENTS)
    return await database.query(everything)


async def _user_ids(database: Database) -> AsyncIterator[str]:
    token = ""
    while True:
        page = await database.list_ids(database.collection(USERS), _PAGE_SIZE, token)
        for user_id in page.ids:
            yield user_id
        token = page.next_page_token
        if not token:
            return
