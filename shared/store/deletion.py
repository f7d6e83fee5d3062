"""Deleting an account: it is gone at once, then everything that was theirs is removed in pages."""

import asyncio
import contextlib
from datetime import datetime
from typing import TYPE_CHECKING

from google.cloud.firestore_v1.base_query import FieldFilter
from google.cloud.firestore_v1.transforms import DELETE_FIELD

from shared.store.client import Database, PreconditionFailed
from shared.store.data_model import (
    EVENTS,
    FOLLOW_SECRETS,
    INBOX,
    LOOKUPS,
    NEWS_FIELDS,
    PICTURE_PARTS,
    PROFILE_FIELDS,
    SHARED_ITEMS,
    user_document,
)
from shared.store.users import Account

if TYPE_CHECKING:
    from google.cloud.firestore_v1.async_query import AsyncQuery

_PAGE = 300


class Deletion:
    """Deletes accounts with everything that is theirs."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def delete(self, account: Account, now: datetime) -> None:
        """Delete the account and all its documents; repeating it goes on where it stopped.

        The first commit turns the user's document into a note that the deletion is under way. From
        then on nobody can sign in, and nothing of theirs can be read, because every read goes by
        that document. The note keeps the password's hash, so that its owner can repeat the request,
        and goes last.

        Cost: a query and a commit per 300 documents; memory for a page of names per collection.

        Raises:
            DependencyUnavailable: the deletion is not complete; repeat it.
        """
        await self._mark(account, now)
        client = self._database.client
        theirs = FieldFilter("user_id", "==", str(account.id))
        queries = [SHARED_ITEMS.of(client).where(filter=theirs).select([])]
        per_user = (EVENTS, FOLLOW_SECRETS, INBOX, PICTURE_PARTS)
        queries += [collection.of(client, account.id).select([]) for collection in per_user]
        removals = (self._remove_all(query) for query in queries)
        # Each goes as far as it can, whatever becomes of the others.
        for outcome in await asyncio.gather(*removals, return_exceptions=True):
            if isinstance(outcome, BaseException):
                raise outcome
        await self._remove_user(account)

    async def _mark(self, account: Account, now: datetime) -> None:
        client = self._database.client
        batch = client.batch()
        emptied = dict.fromkeys((*PROFILE_FIELDS, *NEWS_FIELDS), DELETE_FIELD)
        batch.update(user_document(client, account.id), {"deleted_at": now, **emptied})
        # Another request for the same deletion may just have finished it.
        with contextlib.suppress(PreconditionFailed):
            await self._database.commit(batch)

    async def _remove_all(self, query: "AsyncQuery") -> None:
        while page := await self._database.query(query.limit(_PAGE)):
            batch = self._database.client.batch()
            for document in page:
                batch.delete(document.reference)
            await self._database.commit(batch)
            if len(page) < _PAGE:
                break

    async def _remove_user(self, account: Account) -> None:
        client = self._database.client
        batch = client.batch()
        batch.delete(user_document(client, account.id))
        batch.delete(LOOKUPS.of(client).document(account.lookup))
        await self._database.commit(batch)
