"""Profile pictures of up to 2,000 KiB, stored in parts: a document holds at most 1 MiB."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self
from uuid import UUID, uuid4

from shared.store.data_model import PICTURE_PARTS
from shared.store.database import Database
from shared.store.documents import Document

if TYPE_CHECKING:
    from google.cloud.firestore_v1.async_batch import AsyncWriteBatch
    from google.cloud.firestore_v1.async_document import AsyncDocumentReference

# Firestore accepts up to 1,048,487 bytes in one field.
# Source: https://cloud.google.com/firestore/quotas
PART_BYTES = 1_000_000


@dataclass(frozen=True)
class PictureNote:
    """The description of a picture in the user's document. The parts' ids follow from it."""

    parts: int
    size_bytes: int
    version: str
    """A random id that every part contains, so that a reader never mixes parts of two pictures."""

    @classmethod
    def of(cls, content: bytes) -> Self:
        """Return the note for a new picture."""
        # The negations round the quotient up.
        return cls(-(-len(content) // PART_BYTES), len(content), uuid4().hex)

    @classmethod
    def from_field(cls, field: dict[str, Any] | None) -> Self | None:
        """Read the `picture` field of the user's document."""
        return None if field is None else cls(**field)


class Pictures:
    """The parts of the pictures, by their owners."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(
        self,
        batch: "AsyncWriteBatch",
        user_id: UUID,
        content: bytes | None,
        before: PictureNote | None,
    ) -> PictureNote | None:
        """Add the new picture to `batch`, and delete parts of `before` that it does not replace.

        Returns:
            The note for the user's document.
        """
        note = None if content is None else PictureNote.of(content)
        if note is not None and content is not None:
            for number in range(note.parts):
                part = content[number * PART_BYTES : (number + 1) * PART_BYTES]
                batch.set(self._part(user_id, number), {"content": part, "version": note.version})
        for number in range(note.parts if note else 0, before.parts if before else 0):
            batch.delete(self._part(user_id, number))
        return note

    async def read(self, notes: dict[UUID, PictureNote]) -> dict[UUID, bytes]:
        """Return the pictures by owner; one round trip.

        Leaves out a picture with a missing part, for example after a replacement of the picture
        since its note was read. An empty picture has no parts, so none is missing.
        """
        references = {
            self._part(user_id, number): (user_id, number)
            for user_id, note in notes.items()
            for number in range(note.parts)
        }
        parts: dict[UUID, dict[int, bytes]] = {user_id: {} for user_id in notes}
        for part in await self._read_parts(list(references)):
            user_id, number = references[part.reference]
            if part.fields["version"] == notes[user_id].version:
                parts[user_id][number] = part.fields["content"]
        return {
            user_id: b"".join(parts[user_id][number] for number in range(note.parts))
            for user_id, note in notes.items()
            if len(parts[user_id]) == note.parts
        }

    async def _read_parts(self, references: list["AsyncDocumentReference"]) -> list[Document]:
        if not references:
            return []
        # The response may have begun: an error would cut it off.
        async with self._database.heavy_slot(wait_without_limit=True):
            return await self._database.read(references)

    def _part(self, user_id: UUID, number: int) -> "AsyncDocumentReference":
        return self._database.document(PICTURE_PARTS, str(number), user_id=user_id)
