"""The engine for Firestore and its emulator: one gRPC channel with our options.

Source: https://cloud.google.com/firestore/docs/reference/rpc/google.firestore.v1
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import grpc.aio
from google.api_core.exceptions import from_grpc_error
from google.api_core.gapic_v1 import routing_header
from google.auth.credentials import AnonymousCredentials
from google.cloud.firestore_v1.async_client import AsyncClient
from google.cloud.firestore_v1.services.firestore.async_client import FirestoreAsyncClient
from google.cloud.firestore_v1.services.firestore.transports.grpc_asyncio import (
    FirestoreGrpcAsyncIOTransport,
)
from google.cloud.firestore_v1.types import (
    BatchGetDocumentsRequest,
    BatchGetDocumentsResponse,
    CommitRequest,
    CommitResponse,
    ListDocumentsRequest,
    ListDocumentsResponse,
    RunQueryRequest,
    RunQueryResponse,
)

from shared.store.engines.protocol import IdPage
from shared.store.settings import DatabaseSettings

if TYPE_CHECKING:
    from google.protobuf.message import Message

_CHANNEL_OPTIONS = (
    # The library's own value; our channel does not get the library's options.
    ("grpc.keepalive_time_ms", 30_000),
    # gRPC rejects messages above 4 MiB by default. Pages of pictures are larger.
    ("grpc.max_send_message_length", -1),
    ("grpc.max_receive_message_length", -1),
    # By default gRPC waits up to two minutes between attempts to reconnect. Requests would fail for
    # that time after the end of an outage.
    ("grpc.max_reconnect_backoff_ms", 1_000),
)
_NO_FIELD = "no_such_field"
_SERVICE = "/google.firestore.v1.Firestore"

# The raw protobuf classes: the library's wrapper objects cost CPU time per document.
_BatchGet, _BatchGetResponse = BatchGetDocumentsRequest.pb(), BatchGetDocumentsResponse.pb()
_Commit, _CommitResponse = CommitRequest.pb(), CommitResponse.pb()
_List, _ListResponse = ListDocumentsRequest.pb(), ListDocumentsResponse.pb()
_RunQuery, _RunQueryResponse = RunQueryRequest.pb(), RunQueryResponse.pb()


class FirestoreEngine:
    """Firestore. See `Engine`."""

    def __init__(
        self,
        settings: DatabaseSettings,
        interceptors: Sequence[grpc.aio.ClientInterceptor] = (),
    ) -> None:
        is_emulated = settings.emulator_host is not None
        self.client = AsyncClient(
            project=settings.project,
            database=settings.database,
            credentials=AnonymousCredentials() if is_emulated else None,
        )
        self._database = f"projects/{self.client.project}/databases/{settings.database}"
        self.root = f"{self._database}/documents"
        # The emulator allows only the owner to list documents.
        self._emulator_metadata = (("authorization", "Bearer owner"),) if is_emulated else ()
        self._channel = channel = self._open_channel(settings, interceptors)
        self._batch_get = channel.unary_stream(
            f"{_SERVICE}/BatchGetDocuments",
            request_serializer=_BatchGet.SerializeToString,
            response_deserializer=_BatchGetResponse.FromString,
        )
        self._run_query = channel.unary_stream(
            f"{_SERVICE}/RunQuery",
            request_serializer=_RunQuery.SerializeToString,
            response_deserializer=_RunQueryResponse.FromString,
        )
        self._commit = channel.unary_unary(
            f"{_SERVICE}/Commit",
            request_serializer=_Commit.SerializeToString,
            response_deserializer=_CommitResponse.FromString,
        )
        self._list = channel.unary_unary(
            f"{_SERVICE}/ListDocuments",
            request_serializer=_List.SerializeToString,
            response_deserializer=_ListResponse.FromString,
        )

    async def read(
        self, names: Sequence[str], fields: Sequence[str], timeout_s: float
    ) -> "list[Message]":
        """Return the documents that exist; see `Engine`."""
        mask = {"field_paths": fields} if fields else None
        request = _BatchGet(database=self._database, documents=names, mask=mask)
        call = self._batch_get(
            request, timeout=timeout_s, metadata=self._metadata(database=self._database)
        )
        responses = await _collect(call)
        return [each.found for each in responses if each.WhichOneof("result") == "found"]

    async def query(self, parent: str, query: "Message", timeout_s: float) -> "list[Message]":
        """Return the documents that match `query`; see `Engine`."""
        request = _RunQuery(parent=parent, structured_query=query)
        call = self._run_query(request, timeout=timeout_s, metadata=self._metadata(parent=parent))
        # A response without a document reports progress.
        return [each.document for each in await _collect(call) if each.HasField("document")]

    async def commit(self, writes: "Sequence[Message]", timeout_s: float) -> None:
        """Execute all of `writes` or none; see `Engine`."""
        request = _Commit(database=self._database, writes=writes)
        await _response(
            self._commit(
                request, timeout=timeout_s, metadata=self._metadata(database=self._database)
            )
        )

    async def list_ids(
        self, collection_id: str, page_size: int, page_token: str, timeout_s: float
    ) -> IdPage:
        """Return a page of the ids of a top-level collection; see `Engine`."""
        request = _List(
            parent=self.root,
            collection_id=collection_id,
            page_size=page_size,
            page_token=page_token,
            # An empty mask means all fields. A mask with an unknown field returns no content.
            mask={"field_paths": [_NO_FIELD]},
            show_missing=True,
        )
        metadata = self._metadata(parent=self.root, collection_id=collection_id)
        response = await _response(self._list(request, timeout=timeout_s, metadata=metadata))
        return IdPage(
            ids=[_id(each) for each in response.documents],
            # Only documents that exist have a creation time.
            missing=[_id(d) for d in response.documents if not d.HasField("create_time")],
            next_page_token=response.next_page_token,
        )

    async def close(self) -> None:
        """Close the channel."""
        await self._channel.close()

    def _metadata(self, **routing: str) -> tuple[tuple[str, str], ...]:
        # The library adds these headers to its own calls. Firestore routes by them.
        return (
            ("google-cloud-resource-prefix", self._database),
            routing_header.to_grpc_metadata(tuple(routing.items())),
            *self._emulator_metadata,
        )

    def _open_channel(
        self, settings: DatabaseSettings, interceptors: Sequence[grpc.aio.ClientInterceptor]
    ) -> grpc.aio.Channel:
        if settings.emulator_host is not None:
            return grpc.aio.insecure_channel(
                settings.emulator_host, options=_CHANNEL_OPTIONS, interceptors=interceptors
            )
        return FirestoreGrpcAsyncIOTransport.create_channel(
            FirestoreAsyncClient.DEFAULT_ENDPOINT,
            # The client found the default credentials. A second search would take time.
            credentials=self.client._credentials,  # noqa: SLF001 - has no public accessor
            options=_CHANNEL_OPTIONS,
            interceptors=interceptors,
        )


async def _collect(call: grpc.aio.UnaryStreamCall) -> "list[Message]":
    """Return all responses of a stream. A cancelled caller cancels the stream."""
    try:
        return [response async for response in call]
    except grpc.aio.AioRpcError as error:
        raise from_grpc_error(error) from error
    finally:
        call.cancel()


async def _response(call: grpc.aio.UnaryUnaryCall) -> "Message":
    try:
        return await call
    except grpc.aio.AioRpcError as error:
        raise from_grpc_error(error) from error


def _id(document: "Message") -> str:
    return str(document.name.rpartition("/")[2])
