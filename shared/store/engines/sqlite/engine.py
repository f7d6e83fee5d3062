"""The embedded engine. Threads execute its calls, so the event loop never waits for the disk."""

import asyncio
from collections.abc import Coroutine, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from google.api_core import exceptions
from google.auth.credentials import AnonymousCredentials
from google.cloud.firestore_v1.async_client import AsyncClient

from shared.concurrency.group_commit import GroupCommit
from shared.store.data_model import ALL, Collection
from shared.store.engines.protocol import IdPage
from shared.store.engines.sqlite.commits import Commits, Outcome, PendingCommit
from shared.store.engines.sqlite.connections import Connections
from shared.store.engines.sqlite.file import File
from shared.store.engines.sqlite.indexes import Indexes
from shared.store.engines.sqlite.names import Names
from shared.store.engines.sqlite.queries import scan_of
from shared.store.engines.sqlite.reads import Reads

if TYPE_CHECKING:
    from google.protobuf.message import Message

_PROJECT = "embedded"
_MAX_CONCURRENT_READS = 4

Result = TypeVar("Result")


class SqliteEngine:
    """SQLite. See `Engine`.

    Commits that arrive while a transaction runs share the next one: they wait for one write of the
    disk together. A commit whose caller is cancelled or times out is executed whole or not at all.

    Args:
        path: the file; see `File`.
        collections: the data model, which declares the indexed fields.
    """

    def __init__(self, path: Path, collections: Sequence[Collection] = ALL) -> None:
        self.client = AsyncClient(project=_PROJECT, credentials=AnonymousCredentials())
        self.root = f"projects/{_PROJECT}/databases/(default)/documents"
        self._names, self._indexes = Names(self.root), Indexes(collections)
        file = File(path, self._indexes)
        self._readers = Connections(file, _MAX_CONCURRENT_READS, "read")
        self._writer = Connections(file, 1, "write")
        self._reads, self._commits = Reads(self._names), Commits(self._names, self._indexes)
        self._group_commit = GroupCommit(self._execute, lambda commit: commit.size_bytes)

    async def read(
        self, names: Sequence[str], fields: Sequence[str], timeout_s: float
    ) -> "list[Message]":
        """Return the documents that exist; see `Engine`."""
        return await _within(timeout_s, self._readers.run(self._reads.documents, names, fields))

    async def query(self, parent: str, query: "Message", timeout_s: float) -> "list[Message]":
        """Return the documents that match `query`; see `Engine`."""
        scan = scan_of(parent, query, self._names, self._indexes)
        return await _within(timeout_s, self._readers.run(self._reads.scan, scan))

    async def commit(self, writes: "Sequence[Message]", timeout_s: float) -> None:
        """Execute all of `writes` or none; see `Engine`."""
        commit = PendingCommit(writes)
        try:
            error = await _within(timeout_s, self._group_commit.add(None, commit))
        finally:
            # Without its caller, the commit need not wait in memory until the disk responds.
            commit.abandon()
        if error is not None:
            raise error

    async def list_ids(
        self, collection_id: str, page_size: int, page_token: str, timeout_s: float
    ) -> IdPage:
        """Return a page of the ids of a top-level collection; see `Engine`."""
        work = self._readers.run(self._reads.ids, collection_id, page_size, page_token)
        return await _within(timeout_s, work)

    async def close(self) -> None:
        """Finish the calls that run, and close the file."""
        await self._readers.close()
        await self._writer.close()

    async def _execute(self, _key: None, commits: Sequence[PendingCommit]) -> list[Outcome]:
        return await self._writer.run(self._commits.execute, commits)


async def _within(timeout_s: float, work: Coroutine[object, object, Result]) -> Result:
    try:
        async with asyncio.timeout(timeout_s):
            return await work
    except TimeoutError:
        raise exceptions.DeadlineExceeded("the embedded database is too slow") from None
