"""Random commits."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from shared.store.data_model import Collection
from shared.store.database import Database
from shared.store.preconditions import if_exists, if_unchanged
from tests.shared.store.engines.differential.sides import LONG_AGO, Side
from tests.shared.store.engines.differential.values import (
    FREQUENT,
    documents,
    maps,
    pick,
    places,
    updates,
    values,
)

if TYPE_CHECKING:
    from google.cloud.firestore_v1.async_batch import AsyncWriteBatch
    from google.cloud.firestore_v1.async_document import AsyncDocumentReference


@dataclass(frozen=True)
class Place:
    """The place of a document in any database."""

    collection: Collection
    user: str
    id: str

    def within(self, database: Database) -> "AsyncDocumentReference":
        """Return the reference of the document."""
        return database.document(self.collection, self.id, user_id=self.user)


@dataclass(frozen=True)
class Write:
    """A write of one document."""

    kind: str
    place: Place
    fields: dict[str, Any]
    condition: str | None
    """The required state of the document: None, "exists", "current" or "stale"."""

    age: int
    """For a stale version: its position in the history."""

    def add_to(self, batch: "AsyncWriteBatch", side: Side) -> None:
        """Add the write to a batch."""
        document = self.place.within(side.database)
        match self.kind:
            case "set":
                batch.set(document, self.fields)
            case "merge":
                batch.set(document, self.fields, merge=True)
            case "create":
                batch.create(document, self.fields)
            case "update":
                batch.update(document, self.fields, self._option(side))
            case "delete":
                batch.delete(document, self._option(side))

    def _option(self, side: Side) -> Any:
        if self.condition is None:
            return None
        if self.condition == "exists":
            return if_exists()
        # The last seen version, also of a document that was deleted since.
        path = self.place.within(side.database).path
        version = side.versions.get(path, LONG_AGO)
        if self.condition == "stale":
            version = side.older(version, self.age)
        return if_unchanged(version)


@dataclass(frozen=True)
class Commit:
    """A commit of several writes, and the state of its documents afterwards."""

    writes: Sequence[Write]

    async def run(self, side: Side) -> object:
        """Commit the writes."""
        batch = side.database.batch()
        for write in self.writes:
            write.add_to(batch, side)
        await side.database.commit(batch)
        return None

    async def read(self, side: Side) -> object:
        """Return the documents of the writes."""
        references = [write.place.within(side.database) for write in self.writes]
        found = await side.database.read(references)
        return side.seen(sorted(found, key=lambda document: document.reference.path))


def _write(kind: str) -> st.SearchStrategy[Write]:
    fields = {"update": updates(), "merge": documents(with_deletes=True)}.get(kind, documents())
    conditions = {
        "update": (None, "current", "stale"),
        "delete": (None, "exists", "current", "stale"),
    }.get(kind, (None,))
    return st.builds(
        Write,
        st.just(kind),
        places(Place),
        fields if kind != "delete" else st.just({}),
        st.sampled_from(conditions),
        st.integers(0, 1000),
    )


def commits() -> st.SearchStrategy[Commit]:
    """Return commits of up to four writes, often several of one document."""
    kinds = ("set", "set", "merge", "update", "update", "create", "delete")
    # Not `flatmap`: it would build the strategies for each write, which takes most of the time.
    return st.lists(st.one_of(*map(_write, kinds)), min_size=1, max_size=4).map(Commit)


def first_commits() -> st.SearchStrategy[Commit]:
    """Return commits of many documents, for queries with several results."""
    fields = st.fixed_dictionaries(
        {"n": pick(FREQUENT), "expiry": values(), "m": maps()}, optional={"note": values()}
    )
    write = st.builds(
        Write, st.just("set"), places(Place, odd=False), fields, st.none(), st.just(0)
    )
    return st.lists(write, min_size=20, max_size=30).map(Commit)
