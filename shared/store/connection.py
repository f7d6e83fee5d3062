"""One channel to Firestore, with our options, for the client library and for batch reads.

Source: https://cloud.google.com/firestore/docs/reference/rpc/google.firestore.v1
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import grpc.aio
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
    ListDocumentsResponse,
)

from shared.concurrency.limiter import ConcurrencyLimiter
from shared.store.settings import DatabaseSettings

if TYPE_CHECKING:
    from google.cloud.firestore_v1.async_document import AsyncDocumentReference

_OPTIONS = (
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.max_send_message_length", -1),
    ("grpc.max_receive_message_length", -1),
    # gRPC's default is to wait up to two minutes: the store would stay "down" after it is back.
    ("grpc.max_reconnect_backoff_ms", 1_000),
)
_HEAVY_AT_ONCE = 4
_NO_FIELD = "no_such_field"
_BATCH_GET = "/google.firestore.v1.Firestore/BatchGetDocuments"


class Connection:
    """A channel and the library's client on it, which belong to the running event loop."""

    def __init__(
        self, settings: DatabaseSettings, interceptors: Sequence[grpc.aio.ClientInterceptor]
    ) -> None:
        self.limiter = ConcurrencyLimiter(
            _HEAVY_AT_ONCE, settings.longest_wait_s, "requests for much data"
        )
        is_emulated = settings.emulator_host is not None
        # The emulator lets nobody else list documents.
        self._as_owner = (("authorization", "Bearer owner"),) if is_emulated else ()
        self.client = AsyncClient(
            project=settings.project,
            database=settings.database,
            credentials=AnonymousCredentials() if is_emulated else None,
        )
        self._database = f"projects/{self.client.project}/databases/{settings.database}"
        channel = self._open_channel(settings, interceptors)
        # The client offers no way to choose the channel's options or interceptors.
        self._api = FirestoreAsyncClient(transport=FirestoreGrpcAsyncIOTransport(channel=channel))
        self.client._firestore_api_internal = self._api  # noqa: SLF001
        self._batch_get = channel.unary_stream(
            _BATCH_GET,
            request_serializer=BatchGetDocumentsRequest.serialize,
            response_deserializer=BatchGetDocumentsResponse.pb().FromString,
        )

    def name_of(self, reference: "AsyncDocumentReference") -> str:
        """Return the document's full name, which answers carry."""
        return f"{self._database}/documents/{reference.path}"

    def batch_get(
        self, names: Sequence[str], fields: Sequence[str], timeout_s: float
    ) -> grpc.aio.UnaryStreamCall:
        """Begin to read documents, or only some `fields` of them; the call yields raw protobufs."""
        mask = {"field_paths": fields} if fields else None
        request = BatchGetDocumentsRequest(database=self._database, documents=names, mask=mask)
        metadata = (
            ("google-cloud-resource-prefix", self._database),
            routing_header.to_grpc_metadata((("database", self._database),)),
        )
        return self._batch_get(request, timeout=timeout_s, metadata=metadata)

    async def list_documents(
        self, collection_id: str, page_size: int, page_token: str, timeout_s: float
    ) -> ListDocumentsResponse:
        """Return a page of a top collection's names, also of documents that are missing."""
        request = {
            "parent": f"{self._database}/documents",
            "collection_id": collection_id,
            "page_size": page_size,
            "page_token": page_token,
            "mask": {"field_paths": [_NO_FIELD]},
            "show_missing": True,
        }
        pager = await self._api.list_documents(
            request=request, retry=None, timeout=timeout_s, metadata=self._as_owner
        )
        return await anext(aiter(pager.pages))

    def _open_channel(
        self, settings: DatabaseSettings, interceptors: Sequence[grpc.aio.ClientInterceptor]
    ) -> grpc.aio.Channel:
        if settings.emulator_host is not None:
            return grpc.aio.insecure_channel(
                settings.emulator_host, options=_OPTIONS, interceptors=interceptors
            )
        return FirestoreGrpcAsyncIOTransport.create_channel(
            FirestoreAsyncClient.DEFAULT_ENDPOINT,
            credentials=self.client._credentials,  # noqa: SLF001 - found by the client, see above
            options=_OPTIONS,
            interceptors=interceptors,
        )
