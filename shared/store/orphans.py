"""Orphans: documents of users who do not exist, and whose deletion is not recorded.

Our code leaves none. A manual deletion of a user's document does, and so does an interrupted
import. No query finds orphans, so each run of the cleanup scans some of the users and lookups.
"""

from collections.abc import AsyncGenerator
from datetime import datetime

from shared.store.data_model import DELETIONS, LOOKUPS, USERS
from shared.store.database import Database
from shared.store.deleted_users import DeletedUsers
from shared.store.documents import Document
from shared.store.expired import delete_unchanged
from shared.store.scan_position import ScanPosition


class Orphans:
    """Deletes documents below users who do not exist.

    Args:
        database: the database of the users.
        scan_size: the number of users that a purge reads; one document read each.
    """

    def __init__(self, database: Database, scan_size: int) -> None:
        self._database = database
        self._deleted_users = DeletedUsers(database)
        self._position = ScanPosition(database, USERS)
        self._scan_size = scan_size

    async def purge(self, _now: datetime) -> AsyncGenerator[int, None]:
        """Delete the orphans among the next users of the scan; yield the number after each page.

        Stores the new position at the end, so an interrupted purge is repeated.
        """
        users = self._database.collection(USERS)
        position = await self._position.read()
        page = await self._database.list_ids(users, self._scan_size, position)
        for user_id in await self._unknown(page.missing):
            async for deleted in self._deleted_users.delete_documents(user_id):
                yield deleted
        await self._position.write(page.next_page_token)

    async def _unknown(self, missing: list[str]) -> list[str]:
        """Return the ids of `missing` that are neither a user now nor in `deletions`."""
        # The list is older than this read. A user may exist by now, and a deletion is final. Users
        # in `deletions` have another purge, which counts their documents.
        references = [self._database.document(USERS, user_id) for user_id in missing]
        references += [self._database.document(DELETIONS, user_id) for user_id in missing]
        found = {d.id for d in await self._database.read(references, ("lookup", "deleted_at"))}
        return [user_id for user_id in missing if user_id not in found]


class OrphanedLookups:
    """Deletes lookups whose user does not exist. Until then, no other user can get them.

    Args:
        database: the database of the lookups.
        scan_size: the number of lookups that a purge reads; two document reads each.
    """

    def __init__(self, database: Database, scan_size: int) -> None:
        self._database = database
        self._position = ScanPosition(database, LOOKUPS)
        self._scan_size = scan_size

    async def purge(self, _now: datetime) -> AsyncGenerator[int, None]:
        """Delete the orphans among the next lookups of the scan; yield their number."""
        lookups = self._database.collection(LOOKUPS)
        query = lookups.order_by("__name__").select(["user_id"]).limit(self._scan_size)
        if position := await self._position.read():
            query = query.start_after({"__name__": lookups.document(position)})
        page = await self._database.query(query)
        yield await delete_unchanged(self._database, await self._orphaned(page))
        await self._position.write(page[-1].id if len(page) == self._scan_size else "")

    async def _orphaned(self, lookups: list[Document]) -> list[Document]:
        # One commit writes a lookup with its user, and one deletes both. So a lookup without its
        # user is never one of a user who is being created.
        users = [self._database.document(USERS, each.fields["user_id"]) for each in lookups]
        existing = {user.id for user in await self._database.read(users, ("lookup",))}
        return [each for each in lookups if each.fields["user_id"] not in existing]
