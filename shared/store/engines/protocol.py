"""The interface of a database engine, in requests and documents of Firestore's API.

Source: https://cloud.google.com/firestore/docs/reference/rpc/google.firestore.v1
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from google.cloud.firestore_v1.async_client import AsyncClient
    from google.protobuf.message import Message


@dataclass(frozen=True)
class IdPage:
    """A page of the ids of a collection."""

    ids: list[str]
    """All ids of the page, in order."""

    missing: list[str]
    """The ids without a document that have documents below them."""

    next_page_token: str
    """Empty after the last page."""


class Engine(Protocol):
    """Executes requests of Firestore's API, each once. Belongs to one event loop.

    The messages are plain protobufs: `Document`, `StructuredQuery` and `Write`. Each call raises
    the exceptions of `google.api_core` that Firestore's client raises, and `DeadlineExceeded` after
    `timeout_s`.
    """

    client: "AsyncClient"
    """Builds references, queries and batches. It sends no requests."""

    root: str
    """The resource name of all documents: `projects/{project}/databases/{database}/documents`."""

    async def read(
        self, names: Sequence[str], fields: Sequence[str], timeout_s: float
    ) -> "list[Message]":
        """Return the documents that exist, each once, in any order.

        With `fields`, the documents contain only these fields.
        """

    async def query(self, parent: str, query: "Message", timeout_s: float) -> "list[Message]":
        """Return the documents that match `query` below the document or root `parent`."""

    async def commit(self, writes: "Sequence[Message]", timeout_s: float) -> None:
        """Execute all of `writes` or none.

        Raises:
            AlreadyExists, NotFound, FailedPrecondition: a precondition does not hold.
        """

    async def list_ids(
        self, collection_id: str, page_size: int, page_token: str, timeout_s: float
    ) -> IdPage:
        """Return a page of the ids of a top-level collection, also of missing documents.

        Raises:
            InvalidArgument, Unknown: the token is invalid.
        """

    async def close(self) -> None:
        """Close files and connections. No other call may follow."""
