"""Queries outside the supported subset: each error names the feature."""

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from google.cloud.firestore_v1.async_query import AsyncQuery
from google.cloud.firestore_v1.base_query import FieldFilter, Or
from google.cloud.firestore_v1.types import StructuredQuery

from shared.store.data_model import EVENTS, SHARED_ITEMS
from shared.store.database import Database
from shared.store.engines.sqlite.indexes import Indexes
from shared.store.engines.sqlite.names import Names
from shared.store.engines.sqlite.queries import scan_of
from shared.store.settings import DatabaseSettings

NOW = datetime(2026, 1, 1, tzinfo=UTC)
ITEMS = StructuredQuery.CollectionSelector(collection_id=SHARED_ITEMS.name)
Build = Callable[[Any], AsyncQuery]


def where(field: str, operator: str, value: object) -> FieldFilter:
    return FieldFilter(field, operator, value)


UNSUPPORTED: dict[str, Build] = {
    "an offset": lambda items: items.offset(1),
    "a filter with OR": lambda items: items.where(
        filter=Or([where("user_id", "==", "a"), where("user_id", "==", "b")])
    ),
    "a unary_filter inside a filter": lambda items: items.where(
        filter=where("user_id", "==", None)
    ),
    "a query by several fields": lambda items: items.where(
        filter=where("user_id", "==", "a")
    ).order_by("expiry"),
    "a field inside a map": lambda items: items.where(filter=where("a.b", "==", 1)),
    "the filter IN": lambda items: items.where(filter=where("user_id", "in", ["a"])),
    "the filter NOT_EQUAL": lambda items: items.where(filter=where("user_id", "!=", "a")),
    "the filter ARRAY_CONTAINS": lambda items: items.where(
        filter=where("user_id", "array_contains", "a")
    ),
    "a range filter that is ordered by name": lambda items: items.where(
        filter=where("expiry", "<", NOW)
    ).order_by("__name__"),
    "an order with different directions": lambda items: items.order_by("expiry").order_by(
        "__name__", direction="DESCENDING"
    ),
    "fields after name": lambda items: items.order_by("__name__").order_by("expiry"),
    "a query of shared_items by encrypted_payload": lambda items: items.order_by(
        "encrypted_payload"
    ),
}


@pytest.fixture
async def own_database(tmp_path: Path) -> AsyncIterator[Database]:
    database = Database(DatabaseSettings(file=tmp_path / "queries.db"))
    yield database
    await database.close()


@pytest.mark.parametrize(("feature", "build"), UNSUPPORTED.items(), ids=UNSUPPORTED)
async def test_unsupported_query_names_the_feature(
    own_database: Database, feature: str, build: Build
) -> None:
    with pytest.raises(NotImplementedError, match=feature):
        await own_database.query(build(own_database.collection(SHARED_ITEMS)))


async def test_query_of_a_group_by_name_is_unsupported(own_database: Database) -> None:
    with pytest.raises(NotImplementedError, match="a collection group by name alone"):
        await own_database.query(own_database.collection_group(EVENTS).limit(1))


@pytest.mark.parametrize("field", ["timestamp", "encrypted_iv"])
async def test_query_of_a_group_needs_the_expiry_field(own_database: Database, field: str) -> None:
    group = own_database.collection_group(EVENTS)
    assert await own_database.query(group.order_by("expiry").limit(1)) == []
    with pytest.raises(NotImplementedError, match=f"a query of events by {field}"):
        await own_database.query(group.order_by(field).limit(1))


@pytest.mark.parametrize(
    ("feature", "query"),
    [
        ("a query of several collections", StructuredQuery(from_=[ITEMS, ITEMS])),
        (
            "a vector search",
            StructuredQuery(from_=[ITEMS], find_nearest=StructuredQuery.FindNearest(limit=1)),
        ),
    ],
    ids=["several collections", "vector search"],
)
def test_unsupported_request_names_the_feature(feature: str, query: StructuredQuery) -> None:
    with pytest.raises(NotImplementedError, match=feature):
        scan_of("", StructuredQuery.pb(query), Names("root"), Indexes())
