"""Documents that have expired."""

from collections.abc import AsyncGenerator, Sequence
from datetime import datetime

from google.cloud.firestore_v1.base_query import FieldFilter

from shared.store.data_model import Collection
from shared.store.database import Database, PreconditionFailed
from shared.store.documents import Document

_ATTEMPTS = 5


class Expired:
    """Deletes expired documents, a page at a time.

    Args:
        database: where they are.
        page_size: how many documents are deleted, and held in memory, at a time.
    """

    def __init__(self, database: Database, page_size: int) -> None:
        self._database = database
        self._page_size = page_size

    async def purge(self, collection: Collection, now: datetime) -> AsyncGenerator[int, None]:
        """Delete the expired documents of `collection`; yield the number deleted per page.

        Documents that expired first are deleted first. A document that is written between query
        and commit stays. Every page starts after the last document of the one before. Several
        purges of a collection may run at once.

        Raises:
            DependencyUnavailable: expired documents remain.
        """
        field = collection.ttl_field
        assert field is not None  # noqa: S101 - nothing in it would ever expire
        query = (
            collection.everywhere(self._database.client)
            .where(filter=FieldFilter(field, "<=", now))
            .order_by(field)
            .order_by("__name__")
            .select([field])
            .limit(self._page_size)
        )
        while page := await self._database.query(query):
            yield await delete_unchanged(self._database, page)
            last = page[-1]
            query = query.start_after({field: last.fields[field], "__name__": last.reference})


async def delete_unchanged(database: Database, page: Sequence[Document]) -> int:
    """Delete the documents that were not written since they were read; return how many.

    One commit. If a document was written, the versions are read again and the others are committed.
    After five failed commits the rest of the page stays.
    """
    for _ in range(_ATTEMPTS):
        if not page:
            break
        batch = database.client.batch()
        for document in page:
            as_read = database.client.write_option(last_update_time=document.version)
            batch.delete(document.reference, option=as_read)
        try:
            await database.commit(batch)
        except PreconditionFailed:
            page = await _unchanged(database, page)
        else:
            return len(page)
    return 0


async def _unchanged(database: Database, page: Sequence[Document]) -> list[Document]:
    found = await database.read([each.reference for each in page], page[0].fields)
    versions = {each.reference.path: each.version for each in found}
    return [each for each in page if versions.get(each.reference.path) == each.version]
