"""What is left of users who are gone, and how it goes."""

import asyncio
from collections.abc import AsyncGenerator
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
)
from shared.store.database import Database
from shared.store.documents import Document

if TYPE_CHECKING:
    from google.cloud.firestore_v1.async_collection import AsyncCollectionReference
    from google.cloud.firestore_v1.async_query import AsyncQuery

_BELOW_USERS = (EVENTS, FOLLOW_SECRETS, INBOX, PICTURE_PARTS)


class Leftovers:
    """The documents of users who do not exist any more.

    Nothing is added to them, since whatever belongs to a user is written on the condition that the
    user exists. So whoever removes them may stop anywhere, and several may do so at once.

    Args:
        database: where they are.
        page_size: how many documents are removed at a time.
    """

    def __init__(self, database: Database, page_size: int = 100) -> None:
        self._database = database
        self._page_size = page_size

    async def remove(self, user_id: str) -> AsyncGenerator[int, None]:
        """Remove all that is left of a user; yield after each page how many documents it had.

        A page of each collection at a time, side by side. The note that something is left goes
        last.

        Raises:
            DependencyUnavailable: something may be left, and the note is.
        """
        client = self._database.client
        theirs = FieldFilter("user_id", "==", user_id)
        left = [self._page_of(SHARED_ITEMS.of(client).where(filter=theirs))]
        left += [self._page_of(collection.of(client, user_id)) for collection in _BELOW_USERS]
        while left:
            outcomes = await asyncio.gather(
                *(self._remove_page(page) for page in left), return_exceptions=True
            )
            removed, left = 0, []
            for outcome in outcomes:  # each went as far as it could, whatever became of the others
                if isinstance(outcome, BaseException):
                    raise outcome
                count, rest = outcome
                removed += count
                left += rest
            yield removed
        await self._forget(user_id)

    async def purge(self, _now: datetime) -> AsyncGenerator[int, None]:
        """Remove what is left of all users whose account is deleted; yield as `remove` does.

        Raises:
            DependencyUnavailable: of some of them something is left.
        """
        failure = None
        notes = self._page_of(DELETIONS.of(self._database.client))
        while page := await self._database.query(notes):
            for note in page:
                try:
                    async for removed in self.remove(note.id):
                        yield removed
                except DependencyUnavailable as error:  # the others still have to go
                    failure = error
                    yield 0
            notes = _after(notes, page[-1])
        if failure is not None:
            raise failure

    def _page_of(self, documents: "AsyncQuery | AsyncCollectionReference") -> "AsyncQuery":
        return documents.order_by("__name__").select([]).limit(self._page_size)

    async def _remove_page(self, query: "AsyncQuery") -> tuple[int, "list[AsyncQuery]"]:
        """Return how many documents went, and what asks for the next page if there may be one."""
        page = await self._database.query(query)
        if page:
            batch = self._database.client.batch()
            for document in page:
                batch.delete(document.reference)
            await self._database.commit(batch)
        return len(page), [_after(query, page[-1])] if len(page) == self._page_size else []

    async def _forget(self, user_id: str) -> None:
        batch = self._database.client.batch()
        batch.delete(DELETIONS.of(self._database.client).document(user_id))
        await self._database.commit(batch)


def _after(query: "AsyncQuery", last: Document) -> "AsyncQuery":
    """Return the query for the next page: to pass by what is deleted takes Firestore time."""
    return query.start_after({"__name__": last.reference})
