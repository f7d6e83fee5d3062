"""All documents of a collection, on any engine."""

import asyncio
from collections.abc import AsyncIterator

from shared.store.data_model import USERS, Collection
from shared.store.database import Database
from shared.store.documents import Document

_PAGE_SIZE = 300
_MAX_DOCUMENTS = 10_000


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
