"""Documents whose time is over."""

from collections.abc import AsyncGenerator, Sequence
from datetime import datetime

from google.cloud.firestore_v1.base_query import FieldFilter

from shared.store.client import Database, PreconditionFailed
from shared.store.data_model import Collection
from shared.store.documents import Document


class Expired:
    """Deletes what has expired, a page at a time.

    Args:
        database: where it is.
        page_size: how many documents are deleted at a time, which is what is held in memory.
    """

    def __init__(self, database: Database, page_size: int) -> None:
        self._database = database
        self._page_size = page_size

    async def purge(self, collection: Collection, now: datetime) -> AsyncGenerator[int, None]:
        """Delete what expired in `collection`; yield after each page how many documents went.

        The longest expired go first. A document that is written again in the meantime stays, and
        several may do this at once.

        Raises:
            DependencyUnavailable: something expired is left.
        """
        field = collection.ttl_field
        assert field is not None  # noqa: S101 - nothing in it would ever expire
        query = (
            collection.everywhere(self._database.client)
            .where(filter=FieldFilter(field, "<=", now))
            .order_by(field)
            .select([field])
            .limit(self._page_size)
        )
        while page := await self._database.query(query):
            yield await delete_unchanged(self._database, page)
            # To look at what is deleted already takes Firestore time.
            query = query.start_at({field: page[0].fields[field]})


async def delete_unchanged(database: Database, page: Sequence[Document]) -> int:
    """Delete the documents as they were read, or none if somebody was faster; return how many."""
    batch = database.client.batch()
    for document in page:
        as_read = database.client.write_option(last_update_time=document.version)
        batch.delete(document.reference, option=as_read)
    try:
        if len(batch):
            await database.commit(batch)
    except PreconditionFailed:
        return 0
    return len(page)
