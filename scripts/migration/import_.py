"""The import of documents."""

import asyncio
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from google.api_core.exceptions import GoogleAPIError

from scripts.migration.databases import Databases
from scripts.migration.errors import MigrationError
from scripts.migration.lines import Entry
from shared.store.database import Database
from shared.store.preconditions import PreconditionFailed

# Firestore accepts requests of up to 10 MiB. The lines are longer than the documents.
_MAX_BATCH_BYTES = 2 * 1024 * 1024
_MAX_BATCH_DOCUMENTS = 500


@dataclass
class _Batch:
    database: Database
    entries: list[Entry] = field(default_factory=list)
    size_bytes: int = 0

    def fits(self, database: Database, entry: Entry) -> bool:
        return (
            database is self.database
            and len(self.entries) < _MAX_BATCH_DOCUMENTS
            and self.size_bytes + entry.size_bytes <= _MAX_BATCH_BYTES
        )

    def add(self, entry: Entry) -> None:
        self.entries.append(entry)
        self.size_bytes += entry.size_bytes

    async def commit(self) -> None:
        batch = self.database.batch()
        for each in self.entries:
            place = each.place
            reference = self.database.document(place.collection, place.id, user_id=place.user_id)
            batch.set(reference, each.fields)
        try:
            await self.database.commit(batch)
        except PreconditionFailed:
            # Without preconditions, Firestore responds so if the database does not exist.
            raise MigrationError("the database does not exist; create it first") from None
        except GoogleAPIError as error:
            # `from None`: the text of the error can contain values.
            first, last = self.entries[0].line, self.entries[-1].line
            raise MigrationError(
                f"the database rejects a document in the lines {first} to {last} "
                f"({type(error).__name__}); use another file"
            ) from None


async def import_all(
    databases: Databases, entries: Iterable[Entry], on_progress: Callable[[int], None]
) -> int:
    """Write all documents, each over one that has the same path; return their number.

    A repetition changes nothing. After an error, some of the documents are written.

    Args:
        databases: the databases to write.
        entries: the documents.
        on_progress: takes the number of documents so far.

    Raises:
        MigrationError: from `entries`, or the database rejects a document.
        DependencyUnavailable: a database does not respond.
    """
    written = 0
    slots = asyncio.Semaphore(databases.concurrency)

    async def commit(batch: _Batch) -> None:
        nonlocal written
        try:
            await batch.commit()
        finally:
            slots.release()
        written += len(batch.entries)
        on_progress(written)

    try:
        async with asyncio.TaskGroup() as group:
            for batch in _batches(databases, entries):
                await slots.acquire()
                group.create_task(commit(batch))
    except BaseExceptionGroup as errors:
        raise errors.exceptions[0] from None
    return written


def _batches(databases: Databases, entries: Iterable[Entry]) -> Iterator[_Batch]:
    batch: _Batch | None = None
    for entry in entries:
        database = databases.of(entry.place.collection)
        if batch is None or not batch.fits(database, entry):
            if batch is not None:
                yield batch
            batch = _Batch(database)
        batch.add(entry)
    if batch is not None:
        yield batch
