"""One gRPC channel to Firestore, with our options, for the client library and for batch reads.

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
MAX_CONCURRENT_HEAVY_REQUESTS = 4
_NO_FIELD = "no_such_field"
_BATCH_GET_METHOD = "/google.firestore.v1.Firestore/BatchGetDocuments"


class Connection:
    """A channel and the library's client on it. Both belong to the running event loop."""

    def __init__(
        self, settings: DatabaseSettings, interceptors: Sequence[grpc.aio.ClientInterceptor]
    ) -> None:
        self.limiter = ConcurrencyLimiter(
            MAX_CONCURRENT_HEAVY_REQUESTS, settings.max_wait_s, "large requests"
        )
        is_emulated = settings.emulator_host is not None
        # The emulator allows only the owner to list documents.
        self._list_metadata = (("authorization", "Bearer owner"),) if is_emulated else ()
        self.client = AsyncClient(
            project=settings.project,
            database=settings.database,
            credentials=AnonymousCredentials() if is_emulated else None,
        )
        self._database = f"projects/{self.client.project}/databases/{settings.database}"
        channel = self._open_channel(settings, interceptors)
        self._api = FirestoreAsyncClient(transport=FirestoreGrpcAsyncIOTransport(channel=channel))
        # The library has no parameter for channel options or interceptors. It creates its own
        # channel unless this attribute is set. tests/shared/store/test_connection.py fails if an
        # update of the library changes that.
        self.client._firestore_api_internal = self._api  # noqa: SLF001 - see above
        self._batch_get = channel.unary_stream(
            _BATCH_GET_METHOD,
            request_serializer=BatchGetDocumentsRequest.serialize,
            # The raw protobuf class: the library's wrapper objects cost CPU time per document.
            response_deserializer=BatchGetDocumentsResponse.pb().FromString,
        )

    def name_of(self, reference: "AsyncDocumentReference") -> str:
        """Return the full resource name of a document, as responses contain it."""
        return f"{self._database}/documents/{reference.path}"

    def batch_get(
        self, names: Sequence[str], fields: Sequence[str], timeout_s: float
    ) -> grpc.aio.UnaryStreamCall:
        """Begin to read documents, or only some `fields` of them. The call yields raw protobufs."""
        mask = {"field_paths": fields} if fields else None
        request = BatchGetDocumentsRequest(database=self._database, documents=names, mask=mask)
        # The library adds these headers to its own calls. Firestore routes by them.
        metadata = (
            ("google-cloud-resource-prefix", self._database),
            routing_header.to_grpc_metadata((("database", self._database),)),
        )
        return self._batch_get(request, timeout=timeout_s, metadata=metadata)

    async def list_documents(
        self, collection_id: str, page_size: int, page_token: str, timeout_s: float
    ) -> ListDocumentsResponse:
        """Return a page of a top-level collection's names, including missing documents.

        A missing document has documents below it, but does not exist itself.
        """
        request = {
            "parent": f"{self._database}/documents",
            "collection_id": collection_id,
            "page_size": page_size,
            "page_token": page_token,
            # An empty mask means all fields. A mask with an unknown field returns no content.
            "mask": {"field_paths": [_NO_FIELD]},
            "show_missing": True,
        }
        pager = await self._api.list_documents(
            request=request, retry=None, timeout=timeout_s, metadata=self._list_metadata
        )
        return await anext(aiter(pager.pages))

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
