"""Documents below users who do not exist, whatever left them there."""

from collections.abc import AsyncGenerator
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from shared.ids import parse_uuid
from shared.store.client import Database
from shared.store.data_model import PATROLS, USERS, user_document
from shared.store.leftovers import Leftovers

if TYPE_CHECKING:
    from google.cloud.firestore_v1.async_document import AsyncDocumentReference


class Orphans:
    """Looks for documents without a user, at some users a run, one run after the other.

    Our own code leaves none behind. A user's document that is deleted by hand does, and so does
    an import that stops half-way, and no query would find them.

    Args:
        database: where they are.
        page_size: how many users are looked at a run; each costs a read.
    """

    def __init__(self, database: Database, page_size: int) -> None:
        self._database = database
        self._leftovers = Leftovers(database)
        self._page_size = page_size

    async def purge(self, _now: datetime) -> AsyncGenerator[int, None]:
        """Remove what belongs to nobody among the next users; yield as `Leftovers.remove` does.

        Where it stopped is noted when it is through with them, so an interrupted one is repeated.
        """
        page = await self._database.list_ids(
            USERS.of(self._database.client), self._page_size, await self._place()
        )
        for user_id in await self._still_missing(page.missing):
            async for removed in self._leftovers.remove(user_id):
                yield removed
        await self._note_place(page.next_page_token)

    async def _still_missing(self, ids: list[str]) -> list[UUID]:
        """Return those of `ids` who do not exist now: what is written cannot be taken back."""
        users = [user_id for each in ids if (user_id := parse_uuid(each)) is not None]
        client = self._database.client
        found = await self._database.read([user_document(client, u) for u in users], ("lookup",))
        existing = {document.id for document in found}
        return [user_id for user_id in users if str(user_id) not in existing]

    async def _place(self) -> str:
        note = await self._database.read_one(self._note)
        return "" if note is None else str(note.fields["page_token"])

    async def _note_place(self, page_token: str) -> None:
        batch = self._database.client.batch()
        batch.set(self._note, {"page_token": page_token})
        await self._database.commit(batch)

    @property
    def _note(self) -> "AsyncDocumentReference":
        return PATROLS.of(self._database.client).document(USERS.name)
