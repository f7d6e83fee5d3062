"""The position of a scan over a collection that takes several runs of the cleanup."""

from typing import TYPE_CHECKING

from shared.store.data_model import SCAN_POSITIONS, Collection
from shared.store.database import Database

if TYPE_CHECKING:
    from google.cloud.firestore_v1.async_document import AsyncDocumentReference


class ScanPosition:
    """The position at which the next part of a scan over `collection` begins."""

    def __init__(self, database: Database, collection: Collection) -> None:
        self._database = database
        self._collection = collection

    async def read(self) -> str:
        """Return the stored position; one read. Empty: the scan begins at the first document."""
        document = await self._database.read_one(self._reference)
        return "" if document is None else str(document.fields["place"])

    async def write(self, position: str) -> None:
        """Store the position; one commit."""
        batch = self._database.batch()
        batch.set(self._reference, {"place": position})
        await self._database.commit(batch)

    @property
    def _reference(self) -> "AsyncDocumentReference":
        return self._database.document(SCAN_POSITIONS, self._collection.name)
