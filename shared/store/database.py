"""Access to the database: references, reads, queries and commits, with one policy of retries."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING
from uuid import UUID

from google.api_core import exceptions
from google.api_core.retry import AsyncRetry, if_exception_type

from shared.concurrency.limiter import ConcurrencyLimiter
from shared.store.calls import database_call
from shared.store.data_model import USERS, Collection
from shared.store.documents import Document, decode
from shared.store.engines.open import open_engine
from shared.store.engines.protocol import Engine, IdPage
from shared.store.preconditions import PreconditionFailed
from shared.store.requests import query_of, writes_of
from shared.store.settings import DatabaseSettings
from shared.telemetry.current_request import note_documents, note_round_trip

if TYPE_CHECKING:
    from google.cloud.firestore_v1.async_batch import AsyncWriteBatch
    from google.cloud.firestore_v1.async_collection import AsyncCollectionReference
    from google.cloud.firestore_v1.async_document import AsyncDocumentReference
    from google.cloud.firestore_v1.async_query import AsyncCollectionGroup, AsyncQuery
    from google.protobuf.message import Message

_FAILED_PRECONDITION = (
    exceptions.AlreadyExists,
    exceptions.NotFound,
    exceptions.FailedPrecondition,
    # Firestore aborts a commit when another one holds a lock on the same document.
    exceptions.Aborted,
)
_CHECK_RETRY_FOR_S = 1
MAX_CONCURRENT_HEAVY_REQUESTS = 4


class Database:
    """A database on one of the engines.

    Every call raises `DependencyUnavailable` if the engine does not respond: an attempt takes at
    most `attempt_timeout_s`, and no attempt begins after `retry_for_s`.
    """

    # The first call opens the engine, which then belongs to the event loop of that call. The
    # platform imports a function in one process and serves it in a fork: neither a gRPC channel nor
    # a SQLite connection that was opened before the fork works after it.

    def __init__(
        self,
        settings: DatabaseSettings,
        open_engine: Callable[[DatabaseSettings], Engine] = open_engine,
    ) -> None:
        self._settings = settings
        self._open_engine = open_engine
        self._engine: Engine | None = None
        self._limiter: ConcurrencyLimiter
        self._loop: asyncio.AbstractEventLoop | None = None
        self._others: dict[str, Database] = {}
        # The library's own policy retries for up to 300 s, and `timeout` does not shorten that.
        self._retry = AsyncRetry(
            predicate=if_exception_type(exceptions.ServiceUnavailable, exceptions.Aborted),
            initial=0.05,
            maximum=0.5,
            multiplier=2,
            timeout=settings.retry_for_s,
            on_error=lambda _error: note_round_trip(),  # counts the next attempt
        )

    def named(self, database: str | None) -> "Database":
        """Return another database of the project by its name. None: this database.

        The same name returns the same object, so each database has one engine. All names lead to
        the one embedded database: its file has no other.
        """
        if database is None or database == self._settings.database or self._settings.file:
            return self
        if database not in self._others:
            settings = self._settings.model_copy(update={"database": database})
            self._others[database] = Database(settings, self._open_engine)
        return self._others[database]

    def collection(
        self, collection: Collection, user_id: UUID | str | None = None
    ) -> "AsyncCollectionReference":
        """Return a collection. For a collection below users, return the one of `user_id`."""
        client = self._opened().client
        if collection.per_user:
            return client.collection(USERS.name, str(user_id), collection.name)
        return client.collection(collection.name)

    def collection_group(
        self, collection: Collection
    ) -> "AsyncCollectionReference | AsyncCollectionGroup":
        """Return the collection for queries over all users."""
        # A query on a collection group needs an index of its field with the scope of the group. For
        # a top-level collection, the automatic index is enough.
        if collection.per_user:
            return self._opened().client.collection_group(collection.name)
        return self.collection(collection)

    def document(
        self,
        collection: Collection,
        document_id: UUID | str,
        *,
        user_id: UUID | str | None = None,
    ) -> "AsyncDocumentReference":
        """Return the reference of a document. A collection below users needs `user_id`."""
        return self.collection(collection, user_id).document(str(document_id))

    def batch(self) -> "AsyncWriteBatch":
        """Return an empty batch of writes, for `commit`."""
        return self._opened().client.batch()

    def heavy_slot(self, *, wait_without_limit: bool = False) -> AbstractAsyncContextManager[None]:
        """Wait for a slot of the limiter for reads and writes of megabytes.

        Take only one slot at a time, and wait only for the database inside: two requests that wait
        for each other's second slot would never end. A response that has begun waits without limit,
        because an error would cut it off.

        Raises:
            Overloaded: no slot became free in time.
        """
        # Decoding takes our own CPU, and a call's deadline continues meanwhile. Without a limit,
        # concurrent large reads would all exceed their deadlines.
        self._opened()
        return self._limiter.slot(wait_without_limit=wait_without_limit)

    async def read(
        self, references: Sequence["AsyncDocumentReference"], fields: Iterable[str] = ()
    ) -> list[Document]:
        """Return the existing documents, each once, in any order; one round trip.

        With `fields`, return only these fields.
        """
        engine = self._opened()
        names = {f"{engine.root}/{reference.path}": reference for reference in references}
        if not names:
            return []
        with database_call("read"):
            found = await self._retry(engine.read)(
                list(names), list(fields), self._settings.attempt_timeout_s
            )
        # Firestore also bills a read for a document that does not exist.
        note_documents(len(names))
        documents = []
        # Each message is freed when it is decoded, so a large read is not in memory twice.
        while found:
            each = found.pop()
            documents.append(_document(names[each.name], each))
        return documents

    async def read_one(
        self, reference: "AsyncDocumentReference", fields: Iterable[str] = ()
    ) -> Document | None:
        """Return the document, or None if it does not exist; one round trip."""
        found = await self.read([reference], fields)
        return found[0] if found else None

    async def query(self, query: "AsyncQuery") -> list[Document]:
        """Return the results of `query`, which should have a limit; one round trip."""
        engine = self._opened()
        parent, request = query_of(query)
        with database_call("query"):
            found = await self._retry(engine.query)(
                parent, request, self._settings.attempt_timeout_s
            )
        # Firestore bills a query without results as one read.
        note_documents(max(1, len(found)))
        start = len(engine.root) + 1
        return [_document(engine.client.document(each.name[start:]), each) for each in found]

    async def list_ids(
        self, collection: "AsyncCollectionReference", page_size: int, page_token: str
    ) -> IdPage:
        """Return a page of ids of a top-level collection; one round trip, one read per id.

        Starts after the page that returned `page_token`. An expired token starts at the first page.
        """
        with database_call("list"):
            try:
                page = await self._list_ids(collection.id, page_size, page_token)
            # For an invalid token Firestore returns the first error, its emulator the second.
            except (exceptions.InvalidArgument, exceptions.Unknown):
                if not page_token:
                    raise
                page = await self._list_ids(collection.id, page_size, "")
        note_documents(len(page.ids))
        return page

    async def _list_ids(self, collection_id: str, page_size: int, page_token: str) -> IdPage:
        return await self._retry(self._opened().list_ids)(
            collection_id, page_size, page_token, self._settings.attempt_timeout_s
        )

    async def commit(self, batch: "AsyncWriteBatch", *, repeatable: bool = True) -> None:
        """Write all of `batch` or nothing; one round trip.

        A commit that is not `repeatable` is attempted once. If its response is lost, a second
        attempt would find the writes of the first and fail as if another writer made them.

        Raises:
            PreconditionFailed: a document is not in the state that the batch requires. After a
                retry, the first attempt of the same batch may be the cause.
        """
        engine = self._opened()
        commit: Callable[..., Awaitable[None]] = engine.commit
        if repeatable:
            commit = self._retry(commit)
        with database_call("commit"):
            try:
                await commit(writes_of(batch), self._settings.attempt_timeout_s)
            except _FAILED_PRECONDITION as error:
                raise PreconditionFailed from error

    async def check(self) -> None:
        """Return if the database responds to the read of a missing document; one round trip.

        Transient errors are retried, within a shorter budget than for requests.
        """
        engine = self._opened()
        read = self._retry.with_timeout(_CHECK_RETRY_FOR_S)(engine.read)
        with database_call("check"):
            await read([f"{engine.root}/readiness/nothing"], [], self._settings.attempt_timeout_s)
        note_documents(1)

    async def close(self) -> None:
        """Close files and connections, if any are open. The next call opens them again."""
        engine, self._engine = self._engine, None
        if engine is not None:
            await engine.close()
        for database in self._others.values():
            await database.close()

    def _opened(self) -> Engine:
        loop = asyncio.get_running_loop()
        if self._engine is None or self._loop is not loop:
            self._engine, self._loop = self._open_engine(self._settings), loop
            self._limiter = ConcurrencyLimiter(
                MAX_CONCURRENT_HEAVY_REQUESTS, self._settings.max_wait_s, "large requests"
            )
        return self._engine


def _document(reference: "AsyncDocumentReference", found: "Message") -> Document:
    # A copy: a part of a message keeps the whole message in memory.
    version = type(found.update_time)()
    version.CopyFrom(found.update_time)
    return Document(reference, decode(found.fields), version)
