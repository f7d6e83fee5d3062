"""Calls to Firestore: one policy of deadlines and retries, errors translated at the edge.

Source: https://cloud.google.com/firestore/docs/reference/rpc/google.firestore.v1
"""

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import grpc.aio
from google.api_core import exceptions
from google.api_core.retry import AsyncRetry, if_exception_type
from google.cloud.firestore_v1.async_client import AsyncClient

from shared.errors import DependencyTimedOut, DependencyUnavailable
from shared.store.connection import Connection
from shared.store.documents import Document, decode
from shared.store.settings import DatabaseSettings
from shared.telemetry.current_request import note_documents, note_round_trip
from shared.telemetry.signals import span

if TYPE_CHECKING:
    from google.cloud.firestore_v1.async_batch import AsyncWriteBatch
    from google.cloud.firestore_v1.async_collection import AsyncCollectionReference
    from google.cloud.firestore_v1.async_document import AsyncDocumentReference
    from google.cloud.firestore_v1.async_query import AsyncQuery

_OUTAGE = (
    exceptions.ServerError,
    exceptions.Cancelled,
    exceptions.TooManyRequests,
    exceptions.Unauthorized,
    exceptions.Forbidden,
    exceptions.RetryError,
)
_UNMET = (
    exceptions.AlreadyExists,
    exceptions.NotFound,
    exceptions.FailedPrecondition,
    exceptions.Aborted,
)
_TIMEOUT = (exceptions.GatewayTimeout,)
_RETRY_AFTER_S = 5
_CHECK_RETRY_FOR_S = 1


class PreconditionFailed(Exception):
    """A write found its document otherwise than it required; nothing of its batch was written."""


@dataclass(frozen=True)
class IdPage:
    """Some ids of a collection."""

    missing: list[str]
    """Those that are no documents, but have some below them."""

    next_page_token: str
    """Empty after the last page."""


def _translate(error: Exception) -> Exception:
    """Return what `error` of gRPC or Google's library means to our callers; a bug stays itself."""
    if isinstance(error, grpc.aio.AioRpcError):
        error = exceptions.from_grpc_error(error)
    if not isinstance(error, _OUTAGE):
        return error
    if isinstance(error, _TIMEOUT) or isinstance(error.__cause__, _TIMEOUT):
        return DependencyTimedOut("the store", _RETRY_AFTER_S)
    return DependencyUnavailable("the store", _RETRY_AFTER_S)


def _version(update_time: Any) -> Any:  # noqa: ANN401 - see below
    # The library returns a protobuf timestamp for collection groups, a datetime for other queries.
    return update_time.timestamp_pb() if hasattr(update_time, "timestamp_pb") else update_time


@contextmanager
def _called(what: str) -> Iterator[None]:
    """Count and time a call, and translate its errors."""
    note_round_trip()
    try:
        with span(f"store {what}"):
            yield
    except (exceptions.GoogleAPIError, grpc.aio.AioRpcError) as error:
        if isinstance(error, exceptions.RetryError):
            note_round_trip(-1)  # no other attempt has followed the last one
        raise _translate(error) from error


class Database:
    """Firestore as this process reaches it.

    The connection is opened by the first call and belongs to the event loop of that call, because
    the platform imports a function in one process and serves it in another, made by fork.

    Every method raises `DependencyUnavailable` when there is no answer: after `retry_for_s` no new
    attempt is made, and an attempt takes `attempt_timeout_s` at most.
    """

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
        self._retry = AsyncRetry(
            predicate=if_exception_type(exceptions.ServiceUnavailable, exceptions.Aborted),
            initial=0.05,
            maximum=0.5,
            multiplier=2,
            timeout=settings.retry_for_s,
            on_error=lambda _error: note_round_trip(),  # there will be another attempt
        )

    def named(self, database: str | None) -> "Database":
        """Return the database of that name beside this one; this one itself for None.

        It is the same one each time, on one connection.
        """
        if database is None or database == self._settings.database:
            return self
        if database not in self._others:
            settings = self._settings.model_copy(update={"database": database})
            self._others[database] = Database(settings, self._interceptors)
        return self._others[database]

    @property
    def client(self) -> AsyncClient:
        """Firestore's client, to make references and queries with; calls go through the methods."""
        return self._connected().client

    def turn(self, *, answering: bool = False) -> AbstractAsyncContextManager[None]:
        """Wait for a turn to move much data; whoever reads or writes megabytes takes one.

        Decoding is our own CPU's work, and a call's deadline does not wait for it. Take no second
        one meanwhile, and wait for nobody but the store. Who is `answering` already waits as long
        as it takes: to give up would cut the answer off.

        Raises:
            Overloaded: too many came before.
        """
        return self._connected().limiter.slot(wait_without_limit=answering)

    async def read(
        self, references: Sequence["AsyncDocumentReference"], fields: Iterable[str] = ()
    ) -> list[Document]:
        """Return the documents that exist, each once, in no particular order; one round trip.

        With `fields` only these are fetched.
        """
        connection = self._connected()
        names = {connection.name_of(reference): reference for reference in references}
        if not names:
            return []
        found = []
        with _called("read"):
            call = await self._retry(self._open_read)(connection, list(names), list(fields))
            async for response in call:
                if response.WhichOneof("result") == "found":
                    one = response.found
                    found.append(Document(names[one.name], decode(one.fields), one.update_time))
        note_documents(len(names))
        return found

    async def read_one(
        self, reference: "AsyncDocumentReference", fields: Iterable[str] = ()
    ) -> Document | None:
        """Return the document, or None when there is none; one round trip."""
        found = await self.read([reference], fields)
        return found[0] if found else None

    async def query(self, query: "AsyncQuery") -> list[Document]:
        """Return what `query` finds, which should have a limit; one round trip."""
        with _called("query"):
            snapshots = await query.get(retry=self._retry, timeout=self._settings.attempt_timeout_s)
        note_documents(max(1, len(snapshots)))
        return [
            Document(s.reference, s.to_dict() or {}, _version(s.update_time)) for s in snapshots
        ]

    async def list_ids(
        self, collection: "AsyncCollectionReference", page_size: int, page_token: str
    ) -> IdPage:
        """Return the next ids of `collection` after those of the page that had `page_token`.

        Also those that are no documents, but have some below them. A token that Firestore does not
        know any more is like none: the first page comes again. One round trip, a read for each id.
        """
        with _called("list"):
            try:
                return await self._list_ids(collection, page_size, page_token)
            except (exceptions.InvalidArgument, exceptions.Unknown):  # the latter: the emulator
                if not page_token:
                    raise
                return await self._list_ids(collection, page_size, "")

    async def _list_ids(
        self, collection: "AsyncCollectionReference", page_size: int, page_token: str
    ) -> IdPage:
        connection = self._connected()
        answer = await self._retry(connection.list_documents)(
            collection.id, page_size, page_token, self._settings.attempt_timeout_s
        )
        note_documents(len(answer.documents))
        return IdPage(
            missing=[d.name.rpartition("/")[2] for d in answer.documents if not d.create_time],
            next_page_token=answer.next_page_token,
        )

    async def commit(self, batch: "AsyncWriteBatch", *, repeatable: bool = True) -> None:
        """Write all of `batch` or nothing; one round trip.

        A commit that is not `repeatable` is attempted once, so that a success whose answer got lost
        is not mistaken for somebody else's.

        Raises:
            PreconditionFailed: a document exists, is missing or has changed against what the batch
                requires. After a retry it may also be this batch's own first attempt that is found.
        """
        with _called("commit"):
            try:
                await batch.commit(
                    retry=self._retry if repeatable else None,
                    timeout=self._settings.attempt_timeout_s,
                )
            except _UNMET as error:
                raise PreconditionFailed from error

    async def check(self) -> None:
        """Return if the store answers, to a read of a document that is not there; one round trip.

        A passing failure is none, but it is known sooner than for a request that the store is down.
        """
        connection = self._connected()
        nothing = connection.name_of(connection.client.document("readiness", "nothing"))
        open_read = self._retry.with_timeout(_CHECK_RETRY_FOR_S)(self._open_read)
        with _called("check"):
            async for _ in await open_read(connection, [nothing], []):
                pass
        note_documents(1)

    def _connected(self) -> Connection:
        loop = asyncio.get_running_loop()
        if self._connection is None or self._loop is not loop:
            self._connection, self._loop = Connection(self._settings, self._interceptors), loop
        return self._connection

    async def _open_read(
        self, connection: Connection, names: list[str], fields: list[str]
    ) -> grpc.aio.UnaryStreamCall:
        call = connection.batch_get(names, fields, self._settings.attempt_timeout_s)
        try:
            await call.wait_for_connection()
        except grpc.aio.AioRpcError as error:
            raise exceptions.from_grpc_error(error) from error
        except asyncio.CancelledError:
            call.cancel()
            raise
        return call
