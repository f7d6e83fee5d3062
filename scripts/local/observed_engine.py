"""An engine whose calls can be counted, delayed or failed before another engine executes them."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from shared.store.engines.open import open_engine
from shared.store.engines.protocol import Engine, IdPage
from shared.store.settings import DatabaseSettings

if TYPE_CHECKING:
    from google.protobuf.message import Message


@dataclass(frozen=True)
class EngineCall:
    """One attempt of a call, on any engine."""

    rpc: str
    """The name of the method in Firestore's API."""

    names: Sequence[str] = ()
    """The documents that it requests by name."""

    writes: "Sequence[Message]" = ()


Execute = Callable[[], Awaitable[Any]]
Observer = Callable[[EngineCall, Execute], Awaitable[Any]]
"""Executes a call, or not, and returns its result."""


def observed(observer: Observer) -> Callable[[DatabaseSettings], Engine]:
    """Return the `open_engine` of a `Database` whose calls all go through `observer`."""
    return lambda settings: ObservedEngine(open_engine(settings), observer)


class ObservedEngine:
    """See `Engine`."""

    def __init__(self, engine: Engine, observer: Observer) -> None:
        self._engine = engine
        self._observer = observer
        self.client = engine.client
        self.root = engine.root

    async def read(
        self, names: Sequence[str], fields: Sequence[str], timeout_s: float
    ) -> "list[Message]":
        """Return the documents that exist; see `Engine`."""
        execute = partial(self._engine.read, names, fields, timeout_s)
        call = EngineCall("BatchGetDocuments", names=names)
        documents: list[Message] = await self._observer(call, execute)
        return documents

    async def query(self, parent: str, query: "Message", timeout_s: float) -> "list[Message]":
        """Return the documents that match `query`; see `Engine`."""
        execute = partial(self._engine.query, parent, query, timeout_s)
        documents: list[Message] = await self._observer(EngineCall("RunQuery"), execute)
        return documents

    async def commit(self, writes: "Sequence[Message]", timeout_s: float) -> None:
        """Execute all of `writes` or none; see `Engine`."""
        execute = partial(self._engine.commit, writes, timeout_s)
        await self._observer(EngineCall("Commit", writes=writes), execute)

    async def list_ids(
        self, collection_id: str, page_size: int, page_token: str, timeout_s: float
    ) -> IdPage:
        """Return a page of the ids of a top-level collection; see `Engine`."""
        execute = partial(self._engine.list_ids, collection_id, page_size, page_token, timeout_s)
        page: IdPage = await self._observer(EngineCall("ListDocuments"), execute)
        return page

    async def close(self) -> None:
        """Close the other engine."""
        await self._engine.close()
