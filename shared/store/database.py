"""Access to Firestore: references, reads, queries and commits, with one policy of retries.

Source: https://cloud.google.com/firestore/docs/reference/rpc/google.firestore.v1
"""

import asyncio
from collections.abc import Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

import grpc.aio
from google.api_core import exceptions
from google.api_core.retry import AsyncRetry, if_exception_type

from shared.store.connection import Connection
from shared.store.data_model import USERS, Collection
from shared.store.documents import Document, decode
from shared.store.preconditions import PreconditionFailed
from shared.store.rpc import firestore_rpc
from shared.store.settings import DatabaseSettings
from shared.telemetry.current_request import note_documents, note_round_trip

if TYPE_CHECKING:
    from google.cloud.firestore_v1.async_batch import AsyncWriteBatch
    from google.cloud.firestore_v1.async_client import AsyncClient
    from google.cloud.firestore_v1.async_collection import AsyncCollectionReference
    from google.cloud.firestore_v1.async_document import AsyncDocumentReference
    from google.cloud.firestore_v1.async_query import AsyncCollectionGroup, AsyncQuery

_FAILED_PRECONDITION = (
    exceptions.AlreadyExists,
    exceptions.NotFound,
    exceptions.FailedPrecondition,
    # Firestore aborts a commit when another one holds a lock on the same document.
    exceptions.Aborted,
)
_CHECK_RETRY_FOR_S = 1


@dataclass(frozen=True)
class IdPage:
    """A page of the ids of a collection."""

    missing: list[str]
    """The ids without a document that have documents below them."""

    next_page_token: str
    """Empty after the last page."""


class Database:
    """A Firestore database.

    Every call raises `DependencyUnavailable` if Firestore does not respond: an attempt takes at
    most `attempt_timeout_s`, and no attempt begins after `retry_for_s`.
    """

    # The first call opens the connection, which then belongs to the event loop of that call. The
    # platform imports a function in one process and serves it in a fork: a gRPC channel that was
    # opened before the fork does not work after it.

    def __init__(
        self,
        settings: DatabaseSettings,
        interceptors: Sequence[grpc.aio.ClientInterceptor] = (),
    ) -> None:
        self._settings = settings
        self._interceptors = interceptors
        self._connection: Connection | None = None
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

        The same name returns the same object, so each database has one connection.
        """
        if database is None or database == self._settings.database:
            return self
        if database not in self._others:
            settings = self._settings.model_copy(update={"database": database})
            self._others[database] = Database(settings, self._interceptors)
        return self._others[database]

    def collection(
        self, collection: Collection, user_id: UUID | str | None = None
    ) -> "AsyncCollectionReference":
        """Return a collection. For a collection below users, return the one of `user_id`."""
        if collection.per_user:
            return self._client.collection(USERS.name, str(user_id), collection.name)
        return self._client.collection(collection.name)

    def collection_group(
        self, collection: Collection
    ) -> "AsyncCollectionReference | AsyncCollectionGroup":
        """Return the collection for queries over all users."""
        # A query on a collection group needs an index of its field with the scope of the group. For
        # a top-level collection, the automatic index is enough.
        if collection.per_user:
            return self._client.collection_group(collection.name)
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
        return self._client.batch()

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
        return self._connected().limiter.slot(wait_without_limit=wait_without_limit)

    async def read(
        self, references: Sequence["AsyncDocumentReference"], fields: Iterable[str] = ()
    ) -> list[Document]:
        """Return the existing documents, each once, in any order; one round trip.

        With `fields`, return only these fields.
        """
        connection = self._connected()
        names = {connection.name_of(reference): reference for reference in references}
        if not names:
            return []
        found = []
        with firestore_rpc("read"):
            call = await self._retry(self._open_read)(connection, list(names), list(fields))
            async for response in call:
                if response.WhichOneof("result") == "found":
                    one = response.found
                    found.append(Document(names[one.name], decode(one.fields), one.update_time))
        # Firestore also bills a read for a document that does not exist.
        note_documents(len(names))
        return found

    async def read_one(
        self, reference: "AsyncDocumentReference", fields: Iterable[str] = ()
    ) -> Document | None:
        """Return the document, or None if it does not exist; one round trip."""
        found = await self.read([reference], fields)
        return found[0] if found else None

    async def query(self, query: "AsyncQuery") -> list[Document]:
        """Return the results of `query`, which should have a limit; one round trip."""
        with firestore_rpc("query"):
            snapshots = await query.get(retry=self._retry, timeout=self._settings.attempt_timeout_s)
        # Firestore bills a query without results as one read.
        note_documents(max(1, len(snapshots)))
        return [
            Document(s.reference, s.to_dict() or {}, _version(s.update_time)) for s in snapshots
        ]

    async def list_ids(
        self, collection: "AsyncCollectionReference", page_size: int, page_token: str
    ) -> IdPage:
        """Return a page of ids of a top-level collection; one round trip, one read per id.

        Starts after the page that returned `page_token`. An expired token starts at the first page.
        """
        with firestore_rpc("list"):
            try:
                return await self._list_ids(collection, page_size, page_token)
            # For an invalid token Firestore returns the first error, its emulator the second.
            except (exceptions.InvalidArgument, exceptions.Unknown):
                if not page_token:
                    raise
                return await self._list_ids(collection, page_size, "")

    async def _list_ids(
        self, collection: "AsyncCollectionReference", page_size: int, page_token: str
    ) -> IdPage:
        connection = self._connected()
        response = await self._retry(connection.list_documents)(
            collection.id, page_size, page_token, self._settings.attempt_timeout_s
        )
        note_documents(len(response.documents))
        return IdPage(
            # Only documents that exist have a creation time.
            missing=[d.name.rpartition("/")[2] for d in response.documents if not d.create_time],
            next_page_token=response.next_page_token,
        )

    async def commit(self, batch: "AsyncWriteBatch", *, repeatable: bool = True) -> None:
        """Write all of `batch` or nothing; one round trip.

        A commit that is not `repeatable` is attempted once. If its response is lost, a second
        attempt would find the writes of the first and fail as if another writer made them.

        Raises:
            PreconditionFailed: a document is not in the state that the batch requires. After a
                retry, the first attempt of the same batch may be the cause.
        """
        with firestore_rpc("commit"):
            try:
                await batch.commit(
                    retry=self._retry if repeatable else None,
                    timeout=self._settings.attempt_timeout_s,
                )
            except _FAILED_PRECONDITION as error:
                raise PreconditionFailed from error

    async def check(self) -> None:
        """Return if Firestore responds to the read of a missing document; one round trip.

        Transient errors are retried, within a shorter budget than for requests.
        """
        connection = self._connected()
        nothing = connection.name_of(self._client.document("readiness", "nothing"))
        open_read = self._retry.with_timeout(_CHECK_RETRY_FOR_S)(self._open_read)
        with firestore_rpc("check"):
            async for _ in await open_read(connection, [nothing], []):
                pass
        note_documents(1)

    @property
    def _client(self) -> "AsyncClient":
        return self._connected().client

    def _connected(self) -> Connection:
        loop = asyncio.get_running_loop()
        if self._connection is None or self._loop is not loop:
            self._connection, self._loop = Connection(self._settings, self._interceptors), loop
        return self._connection

    async def _open_read(
        self, connection: Connection, names: list[str], fields: list[str]
    ) -> grpc.aio.UnaryStreamCall:
        # Only the start of a stream is retried: after the first response, a repeated read would
        # return documents twice.
        call = connection.batch_get(names, fields, self._settings.attempt_timeout_s)
        try:
            await call.wait_for_connection()
        except grpc.aio.AioRpcError as error:
            raise exceptions.from_grpc_error(error) from error
        except asyncio.CancelledError:
            call.cancel()
            raise
        return call


def _version(update_time: object) -> object:
    # The library returns a protobuf timestamp for collection groups, a datetime for other queries.
    return update_time.timestamp_pb() if hasattr(update_time, "timestamp_pb") else update_time
