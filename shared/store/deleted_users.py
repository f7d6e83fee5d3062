"""The documents that deleted users leave, and their deletion."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from google.cloud.firestore_v1.base_query import FieldFilter

from shared.errors import DependencyUnavailable
from shared.store.data_model import (
    DELETIONS,
    EVENTS,
    FOLLOW_SECRETS,
    INBOX,
    PICTURE_PARTS,
    SHARED_ITEMS,
    Collection,
)
from shared.store.database import Database
from shared.store.documents import Document

if TYPE_CHECKING:
    from google.cloud.firestore_v1.async_collection import AsyncCollectionReference
    from google.cloud.firestore_v1.async_query import AsyncQuery

_BELOW_USERS = (EVENTS, FOLLOW_SECRETS, INBOX, PICTURE_PARTS)


@dataclass(frozen=True)
class _Page:
    query: "AsyncQuery"
    size: int


class DeletedUsers:
    """Deletes the documents of deleted users.

    No writer adds documents in the meantime: every write for a user requires the user's document.
    So a deletion may stop at any page, and several may run at the same time.

    Args:
        database: the database of the users.
        page_size: the number of documents that one commit deletes. A collection of large documents
            has smaller pages.
    """

    def __init__(self, database: Database, page_size: int = 100) -> None:
        self._database = database
        self._page_size = page_size

    async def delete_documents(self, user_id: str) -> AsyncGenerator[int, None]:
        """Delete all documents of a deleted user; yield the number after each page.

        Works on a page of each collection at the same time. Deletes the user's document in
        `deletions` last, so an interrupted deletion is repeated.

        Raises:
            DependencyUnavailable: documents may remain. The user is still in `deletions`.
        """
        of_user = FieldFilter("user_id", "==", user_id)
        shared_items = self._database.collection(SHARED_ITEMS).where(filter=of_user)
        pages = [self._page_of(SHARED_ITEMS, shared_items)]
        pages += [self._page_of(c, self._database.collection(c, user_id)) for c in _BELOW_USERS]
        while pages:
            # Exceptions are returned: all pages of this round complete before the first is raised.
            outcomes = await asyncio.gather(
                *(self._delete_page(page) for page in pages), return_exceptions=True
            )
            deleted, pages = 0, []
            for outcome in outcomes:
                if isinstance(outcome, BaseException):
                    raise outcome
                count, next_page = outcome
                deleted += count
                pages += next_page
            yield deleted
        batch = self._database.batch()
        batch.delete(self._database.document(DELETIONS, user_id))
        await self._database.commit(batch)

    async def purge(self, _now: datetime) -> AsyncGenerator[int, None]:
        """Delete the documents of all users in `deletions`; yield the number after each page.

        Raises:
            DependencyUnavailable: documents of some users remain.
        """
        failure = None
        query = self._page_of(DELETIONS, self._database.collection(DELETIONS)).query
        while page := await self._database.query(query):
            for user in page:
                try:
                    async for deleted in self.delete_documents(user.id):
                        yield deleted
                except DependencyUnavailable as error:
                    # Continue: the documents of the other users must still be deleted.
                    failure = error
                    yield 0  # The caller checks its time limit after each page.
            query = _after(query, page[-1])
        if failure is not None:
            raise failure

    def _page_of(
        self, collection: Collection, documents: "AsyncQuery | AsyncCollectionReference"
    ) -> _Page:
        size = collection.deletion_page(self._page_size)
        # An empty selection returns names without content.
        return _Page(documents.order_by("__name__").select([]).limit(size), size)

    async def _delete_page(self, page: _Page) -> tuple[int, list[_Page]]:
        """Return the number of deleted documents, and the next page, if any."""
        found = await self._database.query(page.query)
        if found:
            batch = self._database.batch()
            for document in found:
                batch.delete(document.reference)
            await self._database.commit(batch)
        is_full = len(found) == page.size
        return len(found), [_Page(_after(page.query, found[-1]), page.size)] if is_full else []


def _after(query: "AsyncQuery", last: Document) -> "AsyncQuery":
    """Return the query for the next page."""
    # The same query would also return the rest, but a scan over deleted index entries is slow.
    return query.start_after({"__name__": last.reference})
