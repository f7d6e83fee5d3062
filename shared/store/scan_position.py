"""How far a walk over a collection has come that takes many runs of the cleanup."""

from typing import TYPE_CHECKING

from shared.store.data_model import PATROLS, Collection
from shared.store.database import Database

if TYPE_CHECKING:
    from google.cloud.firestore_v1.async_document import AsyncDocumentReference


class ScanPosition:
    """The place where a walk over `collection` goes on, which begins anew after its end."""

    def __init__(self, database: Database, collection: Collection) -> None:
        self._database = database
        self._collection = collection

    async def place(self) -> str:
        """Return what was noted; empty at the beginning; one read."""
        note = await self._database.read_one(self._note)
        return "" if note is None else str(note.fields["place"])

    async def note(self, place: str) -> None:
        """Note where to go on; one commit."""
        batch = self._database.client.batch()
        batch.set(self._note, {"place": place})
        await self._database.commit(batch)

    @property
    def _note(self) -> "AsyncDocumentReference":
        return PATROLS.of(self._database.client).document(self._collection.name)
