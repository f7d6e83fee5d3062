"""The translation of a structured query into a scan of one range of keys.

Source: https://cloud.google.com/firestore/docs/reference/rpc/google.firestore.v1#structuredquery
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from google.cloud.firestore_v1.types import StructuredQuery

from shared.store.engines.sqlite.fields import field_name
from shared.store.engines.sqlite.indexes import Indexes, collection_scope, group_scope
from shared.store.engines.sqlite.keys import after_prefix
from shared.store.engines.sqlite.names import Names
from shared.store.engines.sqlite.support import require, unsupported
from shared.store.engines.sqlite.values import key_of_filter, key_of_value, keys_of_type

if TYPE_CHECKING:
    from google.protobuf.message import Message

_NAME = "__name__"
_FIRST_KEY, _AFTER_LAST_KEY = b"", b"\xff"
_Operator = StructuredQuery.FieldFilter.Operator
_Direction = StructuredQuery.Direction
_And = StructuredQuery.CompositeFilter.Operator.AND


@dataclass(frozen=True)
class Range:
    """The keys from `low` to before `high`."""

    low: bytes = _FIRST_KEY
    high: bytes = _AFTER_LAST_KEY

    def within(self, other: "Range") -> "Range":
        """Return the keys that both ranges contain."""
        return Range(max(self.low, other.low), min(self.high, other.high))


@dataclass(frozen=True)
class Scan:
    """A range of keys, read from one end up to a limit."""

    scope: bytes | None
    """The scope of an index. None: the documents of `collection` themselves, by their ids."""

    collection: bytes
    """The key of the collection; empty for a group."""

    keys: Range
    is_descending: bool
    limit: int
    """-1: no limit."""

    fields: tuple[str, ...] | None
    """The fields of the results. None: all."""


@dataclass(frozen=True)
class _Filter:
    field: str
    operator: int
    value: "Message"

    @property
    def is_equality(self) -> bool:
        return self.operator == _Operator.EQUAL

    @property
    def keys(self) -> Range:
        key = key_of_filter(self.value)
        # A comparison matches only values of the same type.
        first, end = keys_of_type(key)
        match self.operator:
            case _Operator.EQUAL:
                return Range(key, after_prefix(key))
            case _Operator.LESS_THAN:
                return Range(first, key)
            case _Operator.LESS_THAN_OR_EQUAL:
                return Range(first, after_prefix(key))
            case _Operator.GREATER_THAN:
                return Range(after_prefix(key), end)
            case _Operator.GREATER_THAN_OR_EQUAL:
                return Range(key, end)
            case _:
                raise unsupported(f"the filter {_Operator(self.operator).name}")


def scan_of(parent: str, query: "Message", names: Names, indexes: Indexes) -> Scan:
    """Return the scan that executes `query`.

    Raises:
        NotImplementedError: the query needs a feature of Firestore outside our subset.
    """
    source = _source(query)
    name, is_group = source.collection_id, source.all_descendants
    collection = b"" if is_group else names.collection(parent, name)
    filters = list(_filters(query))
    field = _field(query, filters)
    if field == _NAME:
        require(not is_group, "a query of a collection group by name alone")
        require(not _is_descending(query), "a descending order by name alone")
        scope = None
    else:
        require(indexes.is_indexed(name, field, is_group=is_group), f"a query of {name} by {field}")
        scope = group_scope(name, field) if is_group else collection_scope(collection, field)
    keys = Range()
    for each in filters:
        keys = keys.within(each.keys)
    is_descending = _is_descending(query)
    for cursor in _cursors(query, filters, names):
        keys = keys.within(cursor.keys(is_descending=is_descending))
    limit = query.limit.value if query.HasField("limit") else -1
    return Scan(scope, collection, keys, is_descending, limit, _projection(query))


@dataclass(frozen=True)
class _Cursor:
    position: bytes
    """The beginning of the keys at the cursor."""

    is_before: bool
    """Whether the cursor is before or after these keys, in the order of the query."""

    is_start: bool

    def keys(self, *, is_descending: bool) -> Range:
        is_below = self.is_before != is_descending
        edge = self.position if is_below else after_prefix(self.position)
        return Range(low=edge) if self.is_start != is_descending else Range(high=edge)


def _cursors(query: "Message", filters: Sequence[_Filter], names: Names) -> Iterator[_Cursor]:
    orders = [field_name(order.field.field_path) for order in query.order_by]
    is_group = query.from_[0].all_descendants
    prefix = b""
    if filters and orders[:1] == [_NAME]:
        # An equality filter: all keys begin with the same value.
        prefix = key_of_value(filters[0].value)

    def part(order: str, value: "Message") -> bytes:
        if order != _NAME:
            return key_of_value(value)
        key = names.key(value.reference_value)
        return key.collection + key.id if is_group else key.id

    for kind in ("start_at", "end_at"):
        if query.HasField(kind):
            cursor = getattr(query, kind)
            parts = map(part, orders, cursor.values)
            position = prefix + b"".join(parts)
            yield _Cursor(position, cursor.before, is_start=kind == "start_at")


def _source(query: "Message") -> "Message":
    require(len(query.from_) == 1, "a query of several collections")
    require(not query.offset, "an offset")
    require(not query.HasField("find_nearest"), "a vector search")
    return query.from_[0]


def _filters(query: "Message") -> Iterator[_Filter]:
    if not query.HasField("where"):
        return
    where = query.where
    parts = [where]
    if where.WhichOneof("filter_type") == "composite_filter":
        require(where.composite_filter.op == _And, "a filter with OR")
        parts = where.composite_filter.filters
    for part in parts:
        kind = part.WhichOneof("filter_type")
        require(kind == "field_filter", f"a {kind} inside a filter")
        chosen = part.field_filter
        yield _Filter(field_name(chosen.field.field_path), chosen.op, chosen.value)


def _field(query: "Message", filters: Sequence[_Filter]) -> str:
    """Return the only field that the query filters and orders by; else the name."""
    orders = [field_name(order.field.field_path) for order in query.order_by]
    fields = {each.field for each in filters} | {order for order in orders if order != _NAME}
    require(len(fields) <= 1, "a query by several fields, which needs a composite index")
    require(_NAME not in fields, "a filter by name")
    is_range = any(not each.is_equality for each in filters)
    require(not (is_range and orders[:1] == [_NAME]), "a range filter that is ordered by name")
    require(
        orders.index(_NAME) == len(orders) - 1 if _NAME in orders else True, "fields after name"
    )
    return fields.pop() if fields else _NAME


def _is_descending(query: "Message") -> bool:
    directions = {order.direction == _Direction.DESCENDING for order in query.order_by}
    require(len(directions) <= 1, "an order with different directions")
    return directions == {True}


def _projection(query: "Message") -> tuple[str, ...] | None:
    if not query.HasField("select"):
        return None
    fields = (field_name(field.field_path) for field in query.select.fields)
    return tuple(field for field in fields if field != _NAME)
