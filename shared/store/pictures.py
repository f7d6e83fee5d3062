"""Profile pictures: up to 2,000 KiB each, in parts, because a document holds 1 MiB."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self
from uuid import UUID, uuid4

from shared.store.data_model import PICTURE_PARTS
from shared.store.database import Database
from shared.store.documents import Document

if TYPE_CHECKING:
    from google.cloud.firestore_v1.async_batch import AsyncWriteBatch
    from google.cloud.firestore_v1.async_document import AsyncDocumentReference

PART_BYTES = 1_000_000
"""Below the 1,048,487 bytes that one property may have."""

_BYTES_AT_ONCE = 4 * 1024 * 1024


@dataclass(frozen=True)
class PictureNote:
    """What the user's document knows of the picture: enough to read its parts by their ids."""

    parts: int
    size_bytes: int
    version: str
    """Also in every part, so that parts of two pictures are never taken for one."""

    @classmethod
    def of(cls, content: bytes) -> Self:
        """Return the note for a new picture."""
        return cls(-(-len(content) // PART_BYTES), len(content), uuid4().hex)

    @classmethod
    def from_field(cls, field: dict[str, Any] | None) -> Self | None:
        """Read the user document's `picture` field."""
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
        """Add to `batch` what replaces the picture; return the note for the user's document."""
        note = None if content is None else PictureNote.of(content)
        if note is not None and content is not None:
            for number in range(note.parts):
                part = content[number * PART_BYTES : (number + 1) * PART_BYTES]
                batch.set(self._part(user_id, number), {"content": part, "version": note.version})
        for number in range(note.parts if note else 0, before.parts if before else 0):
            batch.delete(self._part(user_id, number))
        return note

    async def read(self, notes: dict[UUID, PictureNote]) -> dict[UUID, bytes]:
        """Return the pictures by owner, in one round trip.

        A picture is left out if a part of it is missing, for example because it was replaced after
        its note was read. An empty picture has no parts, and none of them is missing.
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
        async with self._database.turn(answering=True):  # An answer may have begun already.
            return await self._database.read(references)

    def _part(self, user_id: UUID, number: int) -> "AsyncDocumentReference":
        return PICTURE_PARTS.of(self._database.client, user_id).document(str(number))


def in_groups(notes: Sequence[tuple[UUID, PictureNote | None]]) -> Iterator[list[UUID]]:
    """Cut users into runs whose pictures together take 4 MiB at most (or one picture)."""
    group: list[UUID] = []
    size_bytes = 0
    for user_id, note in notes:
        added_bytes = note.size_bytes if note else 0
        if group and size_bytes + added_bytes > _BYTES_AT_ONCE:
            yield group
            group, size_bytes = [], 0
        group.append(user_id)
        size_bytes += added_bytes
    if group:
        yield group
