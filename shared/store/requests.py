"""The requests that the client library's batches and queries produce."""

from typing import TYPE_CHECKING

from google.cloud.firestore_v1.types import StructuredQuery, Write

if TYPE_CHECKING:
    from google.cloud.firestore_v1.async_batch import AsyncWriteBatch
    from google.cloud.firestore_v1.async_query import AsyncQuery
    from google.protobuf.message import Message

# The library sends its requests itself and has no public accessor for them.
# tests/shared/store/test_requests.py fails if an update of the library changes these attributes.


def writes_of(batch: "AsyncWriteBatch") -> "list[Message]":
    """Return the writes of a batch, in order."""
    return [Write.pb(write) for write in batch._write_pbs]  # noqa: SLF001


def query_of(query: "AsyncQuery") -> "tuple[str, Message]":
    """Return the parent of a query's collection, and the structured query."""
    request, _, _ = query._prep_stream()  # noqa: SLF001
    return str(request["parent"]), StructuredQuery.pb(request["structured_query"])
