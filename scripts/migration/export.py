"""The export of all documents, in the order of the data model, then user by user."""

from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from datetime import datetime

from scripts.migration.databases import Databases
from scripts.migration.lines import LineWriter, document_line
from scripts.migration.ordered import in_order
from scripts.migration.places import Place
from shared.store.data_model import ALL, EVENTS, PICTURE_PARTS, SHARED_ITEMS, USERS, Collection
from shared.store.documents import Document

# Pages of up to 5 MB. Most documents have up to 25 KiB, and a picture has up to three parts.
_PAGE_DOCUMENTS = 200
_PAGES_OF_LARGE = {USERS: 60, EVENTS: 70, SHARED_ITEMS: 35, PICTURE_PARTS: 4}
_PAGE_USERS = 300


@dataclass(frozen=True)
class _Page:
    """The lines of documents that were read together."""

    lines: list[tuple[Place, bytes]]


async def export_all(
    databases: Databases,
    write: Callable[[bytes], object],
    at: datetime,
    on_progress: Callable[[int], None],
) -> int:
    """Write all documents of the data model; return their number.

    Firestore is not read at one instant: documents that change meanwhile are in their old or new
    state. The order of the lines depends only on the documents.

    Args:
        databases: the databases to read.
        write: takes the bytes of the file, in order.
        at: the time for the header.
        on_progress: takes the number of documents so far.

    Raises:
        DependencyUnavailable: a database does not respond.
    """
    lines = LineWriter()
    written = 0

    def consume(page: _Page) -> None:
        nonlocal written
        for place, line in page.lines:
            write(lines.add(place, line))
        written += len(page.lines)
        on_progress(written)

    write(lines.header(at))
    await in_order(_parts(databases), consume, databases.concurrency)
    write(lines.trailer())
    return written


async def _parts(databases: Databases) -> AsyncGenerator[AsyncGenerator[_Page, None], None]:
    for collection in ALL:
        if not collection.per_user:
            yield _pages(databases, collection)
    async for user_id in _user_ids(databases):
        yield _pages_of_user(databases, user_id)


async def _user_ids(databases: Databases) -> AsyncGenerator[str, None]:
    """Yield the ids of all users, also of deleted ones with remaining documents."""
    database = databases.main
    users = database.collection(USERS)
    last, page_token = b"", ""
    while True:
        page = await database.list_ids(users, _PAGE_USERS, page_token)
        for user_id in page.ids:
            # After an expired token, the pages begin again.
            if user_id.encode() > last:
                last = user_id.encode()
                yield user_id
        page_token = page.next_page_token
        if not page_token:
            return


async def _pages_of_user(databases: Databases, user_id: str) -> AsyncGenerator[_Page, None]:
    for collection in ALL:
        if collection.per_user:
            async for page in _pages(databases, collection, user_id):
                yield page


async def _pages(
    databases: Databases, collection: Collection, user_id: str | None = None
) -> AsyncGenerator[_Page, None]:
    database = databases.of(collection)
    size = _PAGES_OF_LARGE.get(collection, _PAGE_DOCUMENTS)
    query = first = database.collection(collection, user_id).order_by("__name__").limit(size)
    while True:
        found = await database.query(query)
        if found:
            yield _Page([_line(collection, user_id, each) for each in found])
        if len(found) < size:
            return
        query = first.start_after({"__name__": found[-1].reference})


def _line(collection: Collection, user_id: str | None, document: Document) -> tuple[Place, bytes]:
    place = Place(collection, document.id, user_id)
    return place, document_line(place, document.fields)
