"""Documents of users who do not exist, whatever left them behind.

Our own code leaves none. A user's document that is deleted by hand does, and so does an import that
stops half-way, and no query would find them: so all users and lookups are walked through, some in
each run.
"""

from collections.abc import AsyncGenerator
from datetime import datetime

from shared.store.data_model import DELETIONS, LOOKUPS, USERS, user_document
from shared.store.database import Database
from shared.store.deleted_users import Leftovers
from shared.store.documents import Document
from shared.store.expired import delete_unchanged
from shared.store.scan_position import ScanPosition


class Orphans:
    """Documents below users who do not exist.

    Args:
        database: where they are.
        page_size: how many users are looked at in each run; each costs a read.
    """

    def __init__(self, database: Database, page_size: int) -> None:
        self._database = database
        self._leftovers = Leftovers(database)
        self._patrol = ScanPosition(database, USERS)
        self._page_size = page_size

    async def purge(self, _now: datetime) -> AsyncGenerator[int, None]:
        """Remove what belongs to nobody among the next users; yield as `Leftovers.remove` does.

        Where it stopped is noted when it is through with them, so an interrupted one is repeated.
        """
        users = USERS.of(self._database.client)
        page = await self._database.list_ids(users, self._page_size, await self._patrol.place())
        for user_id in await self._forgotten(page.missing):
            async for removed in self._leftovers.remove(user_id):
                yield removed
        await self._patrol.note(page.next_page_token)

    async def _forgotten(self, missing: list[str]) -> list[str]:
        """Return those of `missing` who do not exist now, and whose deletion is not noted either.

        The list is a moment old, and what is removed does not come back.
        """
        client = self._database.client
        places = [user_document(client, user_id) for user_id in missing]
        places += [DELETIONS.of(client).document(user_id) for user_id in missing]
        found = {d.id for d in await self._database.read(places, ("lookup", "deleted_at"))}
        return [user_id for user_id in missing if user_id not in found]


class OrphanedLookups:
    """Lookups whose user does not exist, so that nobody could ever have them again.

    Args:
        database: where they are.
        page_size: how many lookups are looked at in each run; each costs two reads.
    """

    def __init__(self, database: Database, page_size: int) -> None:
        self._database = database
        self._patrol = ScanPosition(database, LOOKUPS)
        self._page_size = page_size

    async def purge(self, _now: datetime) -> AsyncGenerator[int, None]:
        """Delete those among the next lookups; yield how many these are."""
        lookups = LOOKUPS.of(self._database.client)
        page = lookups.order_by("__name__").select(["user_id"]).limit(self._page_size)
        if place := await self._patrol.place():
            page = page.start_after({"__name__": lookups.document(place)})
        found = await self._database.query(page)
        yield await delete_unchanged(self._database, await self._unused(found))
        await self._patrol.note(found[-1].id if len(found) == self._page_size else "")

    async def _unused(self, lookups: list[Document]) -> list[Document]:
        # A lookup and its user are written together, and go together.
        client = self._database.client
        users = [user_document(client, lookup.fields["user_id"]) for lookup in lookups]
        existing = {user.id for user in await self._database.read(users, ("lookup",))}
        return [lookup for lookup in lookups if lookup.fields["user_id"] not in existing]
