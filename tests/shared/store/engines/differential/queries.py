"""Random queries, within the supported subset."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from google.cloud.firestore_v1.base_query import FieldFilter
from hypothesis import strategies as st

from shared.store.data_model import Collection
from tests.shared.store.engines.differential.model import DRAFTS, ENTRIES, ITEMS, PEOPLE
from tests.shared.store.engines.differential.sides import Side
from tests.shared.store.engines.differential.values import (
    IDS,
    ODD_IDS,
    USER_IDS,
    compared_values,
    values,
)

if TYPE_CHECKING:
    from google.cloud.firestore_v1.async_query import AsyncQuery

_MANY = 1000
_NAME = "__name__"


@dataclass(frozen=True)
class Cursor:
    """The start or the end of a query."""

    kind: str
    value: Any
    user: str
    id: str
    has_name: bool


@dataclass(frozen=True)
class Query:
    """A query of a collection, or of the collections of all users."""

    collection: Collection
    user: str | None
    """None: a top-level collection, or the collections of all users."""

    field: str
    filters: Sequence[tuple[str, Any]]
    orders: Sequence[str]
    is_descending: bool
    limit: int
    cursors: Sequence[Cursor]
    fields: Sequence[str] | None

    def within(self, side: Side) -> "AsyncQuery":
        """Return the query of a side's client library."""
        database = side.database
        if self.user is None:
            query = database.collection_group(self.collection).limit(self.limit)
        else:
            query = database.collection(self.collection, self.user).limit(self.limit)
        for operator, value in self.filters:
            query = query.where(filter=FieldFilter(self.field, operator, value))
        direction = query.DESCENDING if self.is_descending else query.ASCENDING
        for order in self.orders:
            query = query.order_by(order, direction=direction)
        for cursor in self.cursors if self.orders else ():
            query = getattr(query, cursor.kind)(self._position(side, cursor))
        return query if self.fields is None else query.select(self.fields)

    def _position(self, side: Side, cursor: Cursor) -> list[Any]:
        name = side.database.document(self.collection, cursor.id, user_id=self.user or cursor.user)
        position = [cursor.value if order != _NAME else name for order in self.orders]
        is_shorter = len(position) > 1 and not cursor.has_name
        return position[:1] if is_shorter else position

    async def run(self, side: Side) -> object:
        """Return the results, in order."""
        return side.seen(await side.database.query(self.within(side)))


@dataclass(frozen=True)
class Pages:
    """A query in pages, each after the last document of the page before."""

    query: Query
    page_size: int

    async def run(self, side: Side) -> object:
        """Return the results of all pages."""
        query = self.query.within(side).limit(self.page_size)
        pages: list[object] = []
        page = await side.database.query(query)
        # A planted fault can repeat a page without end.
        while page and len(pages) <= len(IDS) + len(ODD_IDS):
            pages.append(side.seen(page))
            last = page[-1]
            # The position names the fields as `shared/store` does.
            position = {
                order: last.reference if order == _NAME else last.fields[order]
                for order in self.query.orders
            }
            page = await side.database.query(query.start_after(position))
        return pages


def _sources() -> st.SearchStrategy[tuple[Collection, str | None, tuple[str, ...]]]:
    """Return a collection, a user, and the fields that a query of it may use."""
    user = st.sampled_from(USER_IDS)
    return (
        st.tuples(st.just(ITEMS), st.none(), st.just(("n", "expiry", "m")))
        | st.tuples(st.just(PEOPLE), st.none(), st.just(("n", "expiry")))
        | st.tuples(st.just(ENTRIES), st.none(), st.just(("expiry",)))
        | st.tuples(st.just(ENTRIES), user, st.just(("n",)))
        | st.tuples(st.just(DRAFTS), user, st.just(("n", "expiry")))
    )


_CURSORS = st.builds(
    Cursor,
    st.sampled_from(("start_at", "start_after", "end_at", "end_before")),
    values(),
    st.sampled_from(USER_IDS),
    st.sampled_from(IDS),
    st.booleans(),
)
_EQUALITY = st.tuples(st.just("=="), compared_values())
_RANGE = st.tuples(st.sampled_from(("<", "<=", ">", ">=")), compared_values())
_RANGES = st.lists(_RANGE, max_size=1)
_FILTERS: st.SearchStrategy[list[tuple[str, Any]]] = st.just([]) | st.lists(
    _RANGE | _EQUALITY, max_size=2
)
_CURSOR_PAIRS: st.SearchStrategy[list[Cursor]] = st.just([]) | st.lists(_CURSORS, max_size=2)
_SOURCES = _sources()
_SELECTIONS = st.none() | st.lists(st.sampled_from(("n", "note", "m", _NAME)), max_size=2)


@st.composite
def queries(draw: st.DrawFn) -> Query:
    """Return queries."""
    collection, user, fields = draw(_SOURCES)
    field = draw(st.sampled_from(fields))
    # The collections of all users have an index of a field only.
    is_group = collection.per_user and user is None
    by_name = not is_group and draw(st.integers(0, 7)) == 0
    filters = [] if by_name else draw(_FILTERS)
    has_range = any(operator != "==" for operator, _ in filters)
    orders = [(field,), (field, _NAME), (field, _NAME)]
    if filters or not is_group:
        orders.append(())
    if by_name or (filters and not has_range):
        orders.append((_NAME,))
    chosen = (_NAME,) if by_name else draw(st.sampled_from(orders))
    return Query(
        collection,
        user,
        field,
        filters,
        chosen,
        # Firestore has no descending index of names alone.
        is_descending=draw(st.booleans()) if chosen and (filters or chosen != (_NAME,)) else False,
        limit=draw(st.sampled_from((_MANY, _MANY, _MANY, _MANY, 0, 1, 2, 3))),
        cursors=draw(_CURSOR_PAIRS),
        fields=draw(_SELECTIONS),
    )


@st.composite
def pages(draw: st.DrawFn) -> Pages:
    """Return queries in pages, with an order by name at the end."""
    collection, user, fields = draw(_SOURCES)
    field = draw(st.sampled_from(fields))
    is_group = collection.per_user and user is None
    by_name = not is_group and draw(st.booleans())
    query = Query(
        collection,
        user,
        field,
        [] if by_name else draw(_RANGES),
        (_NAME,) if by_name else (field, _NAME),
        is_descending=not by_name and draw(st.booleans()),
        limit=_MANY,
        cursors=(),
        fields=None,
    )
    return Pages(query, draw(st.integers(1, 4)))


ALL_DOCUMENTS = [
    Query(collection, user, "", (), (_NAME,), False, _MANY, (), None)  # noqa: FBT003
    for collection in (PEOPLE, ITEMS, ENTRIES, DRAFTS)
    for user in (USER_IDS if collection.per_user else (None,))
]
"""Queries that return all documents together."""
