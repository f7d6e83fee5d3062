"""What is left of users who are gone, and how it goes."""

import asyncio
from collections.abc import AsyncGenerator
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from google.cloud.firestore_v1.base_query import FieldFilter

from shared.store.client import Database
from shared.store.data_model import (
    DELETIONS,
    EVENTS,
    FOLLOW_SECRETS,
    INBOX,
    PICTURE_PARTS,
    SHARED_ITEMS,
)

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

    def __init__(self, database: Database, page_size: int = 300) -> None:
        self._database = database
        self._page_size = page_size

    async def remove(self, user_id: UUID) -> AsyncGenerator[int, None]:
        """Remove all that is left of a user; yield after each page how many documents it had.

        A page of each collection at a time, side by side. The note that something is left goes
        last.

        Raises:
            DependencyUnavailable: something may be left, and the note is.
        """
        client = self._database.client
        theirs = FieldFilter("user_id", "==", str(user_id))
        left: list[AsyncQuery | AsyncCollectionReference] = [
            SHARED_ITEMS.of(client).where(filter=theirs)
        ]
        left += [collection.of(client, user_id) for collection in _BELOW_USERS]
        while left:
            outcomes = await asyncio.gather(
                *(self._remove_page(query) for query in left), return_exceptions=True
            )
            removed = []
            for outcome in outcomes:  # each went as far as it could, whatever became of the others
                if isinstance(outcome, BaseException):
                    raise outcome
                removed.append(outcome)
            yield sum(removed)
            pages = zip(left, removed, strict=True)
            left = [query for query, count in pages if count == self._page_size]
        await self._forget(user_id)

    async def purge(self, _now: datetime) -> AsyncGenerator[int, None]:
        """Remove what is left of all users who deleted their account, the first of them first."""
        noted = DELETIONS.of(self._database.client).order_by("deleted_at").select([])
        while page := await self._database.query(noted.limit(self._page_size)):
            for note in page:
                async for removed in self.remove(UUID(note.id)):
                    yield removed

    async def _remove_page(self, query: "AsyncQuery | AsyncCollectionReference") -> int:
        page = await self._database.query(query.select([]).limit(self._page_size))
        if page:
            batch = self._database.client.batch()
            for document in page:
                batch.delete(document.reference)
            await self._database.commit(batch)
        return len(page)

    async def _forget(self, user_id: UUID) -> None:
        batch = self._database.client.batch()
        batch.delete(DELETIONS.of(self._database.client).document(str(user_id)))
        await self._database.commit(batch)
