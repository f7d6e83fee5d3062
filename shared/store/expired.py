"""The deletion of expired documents."""

from collections.abc import AsyncGenerator, Sequence
from datetime import datetime

from google.cloud.firestore_v1.base_query import FieldFilter

from shared.store.data_model import Collection
from shared.store.database import Database
from shared.store.documents import Document
from shared.store.preconditions import PreconditionFailed, if_unchanged

_MAX_COMMIT_ATTEMPTS = 5


class Expired:
    """Deletes expired documents in pages.

    Args:
        database: the database of the documents.
        page_size: the number of documents that one commit deletes, and that are held in memory. A
            collection of large documents has smaller pages.
    """

    def __init__(self, database: Database, page_size: int) -> None:
        self._database = database
        self._page_size = page_size

    async def purge(self, collection: Collection, now: datetime) -> AsyncGenerator[int, None]:
        """Delete the expired documents of `collection`; yield the number after each page.

        The documents that expired first are deleted first. A document that is written between
        query and commit stays. Several purges of a collection may run at the same time.

        Raises:
            DependencyUnavailable: expired documents remain.
        """
        field = collection.ttl_field
        assert field is not None  # noqa: S101 - the other collections have no expired documents
        query = (
            self._database.collection_group(collection)
            .where(filter=FieldFilter(field, "<=", now))
            .order_by(field)
            .order_by("__name__")
            .select([field])
            .limit(collection.deletion_page(self._page_size))
        )
        while page := await self._database.query(query):
            yield await delete_unchanged(self._database, page)
            # Continue after the page even if some of it stays. The same query would return these
            # documents again, and a document that changes all the time would block the purge.
            last = page[-1]
            query = query.start_after({field: last.fields[field], "__name__": last.reference})


async def delete_unchanged(database: Database, page: Sequence[Document]) -> int:
    """Delete the documents that were not written since their read; return the number.

    Takes one commit. If a document was written, the versions are read again and the rest of the
    page is committed. After five failed commits the rest stays.
    """
    for _ in range(_MAX_COMMIT_ATTEMPTS):
        if not page:
            break
        batch = database.batch()
        for document in page:
            batch.delete(document.reference, option=if_unchanged(document.version))
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
