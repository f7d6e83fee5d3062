"""Random batch reads, and pages of ids."""

from collections.abc import Sequence
from dataclasses import dataclass

from hypothesis import strategies as st

from shared.store.data_model import Collection
from tests.shared.store.engines.differential.model import ITEMS, PEOPLE
from tests.shared.store.engines.differential.sides import Side
from tests.shared.store.engines.differential.values import places
from tests.shared.store.engines.differential.writes import Place


@dataclass(frozen=True)
class Read:
    """A batch read, of all fields or of some."""

    places: Sequence[Place]
    fields: Sequence[str]

    async def run(self, side: Side) -> object:
        """Return the existing documents, by path."""
        references = [place.within(side.database) for place in self.places]
        found = await side.database.read(references, self.fields)
        return side.seen(sorted(found, key=lambda document: document.reference.path))


@dataclass(frozen=True)
class Ids:
    """All ids of a collection, in pages."""

    collection: Collection
    page_size: int

    async def run(self, side: Side) -> object:
        """Return the pages, each with its ids and whether another one follows."""
        collection = side.database.collection(self.collection)
        pages, token = [], ""
        while True:
            page = await side.database.list_ids(collection, self.page_size, token)
            token = page.next_page_token
            pages.append((page.ids, page.missing, bool(token)))
            if not token:
                return pages


def reads() -> st.SearchStrategy[Read]:
    """Return batch reads. Some documents exist, and some are named twice."""
    fields = st.lists(st.sampled_from(("n", "note", "m", "expiry", "missing", "`a.b`", "`x y`")))
    return st.builds(Read, st.lists(places(Place), min_size=1, max_size=5), fields)


def ids() -> st.SearchStrategy[Ids]:
    """Return lists of ids. Some users have no document, but documents below them."""
    return st.builds(Ids, st.sampled_from((ITEMS, PEOPLE)), st.integers(1, 6))
