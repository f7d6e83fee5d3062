"""Features of Firestore outside the subset of the SQLite engine: each error names the feature.

`sqlite/test_queries.py` has the features that are seen without a database.
"""

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from google.cloud.firestore_v1 import SERVER_TIMESTAMP, ArrayUnion, GeoPoint, Increment
from google.cloud.firestore_v1.base_query import FieldFilter

from shared.store.database import Database
from shared.store.settings import DatabaseSettings
from tests.shared.store.engines.differential.model import ENTRIES, ITEMS

if TYPE_CHECKING:
    from google.cloud.firestore_v1.async_query import AsyncQuery

_WRITES: Mapping[str, tuple[str, dict[str, Any]]] = {
    "time of the server": ("transforms of fields", {"n": SERVER_TIMESTAMP}),
    "increment": ("transforms of fields", {"n": Increment(1)}),
    "addition to a list": ("transforms of fields", {"n": ArrayUnion([1])}),
    "indexed place": ("an index of a geo_point_value", {"n": GeoPoint(1, 2)}),
}


def _items(operator: str, value: object, field: str = "n") -> Callable[[Database], "AsyncQuery"]:
    return lambda database: database.collection(ITEMS).where(
        filter=FieldFilter(field, operator, value)
    )


_QUERIES: Mapping[str, Callable[[Database], "AsyncQuery"]] = {
    "the filter NOT_IN": _items("not-in", [1, 2]),
    "the filter ARRAY_CONTAINS_ANY": _items("array_contains_any", [1]),
    "a filter by name": _items(">", "x", "__name__"),
    "a descending order by name alone": lambda database: database.collection(ITEMS).order_by(
        "__name__", direction="DESCENDING"
    ),
    # This field has an index of all users.
    "a query of entries by expiry": lambda database: database.collection(ENTRIES, "u").order_by(
        "expiry"
    ),
}


@pytest.fixture
def sqlite(runner: asyncio.Runner, tmp_path: Path) -> Database:
    """An empty embedded database."""
    return Database(DatabaseSettings(file=tmp_path / "database.db"))


@pytest.mark.parametrize("feature", _QUERIES)
def test_unsupported_query_raises(runner: asyncio.Runner, sqlite: Database, feature: str) -> None:
    async def query() -> None:
        await sqlite.query(_QUERIES[feature](sqlite))

    raises(runner, sqlite, query, feature)


@pytest.mark.parametrize("write", _WRITES)
def test_unsupported_write_raises(runner: asyncio.Runner, sqlite: Database, write: str) -> None:
    feature, fields = _WRITES[write]

    async def commit() -> None:
        batch = sqlite.batch()
        batch.set(sqlite.document(ITEMS, "a"), fields)
        await sqlite.commit(batch)

    raises(runner, sqlite, commit, feature)


def test_mask_of_a_field_in_a_map_raises(runner: asyncio.Runner, sqlite: Database) -> None:
    async def read() -> None:
        await sqlite.read_one(sqlite.document(ITEMS, "a"), ["m.a"])

    raises(runner, sqlite, read, "a field inside a map")


def test_page_of_ids_without_a_size_raises(runner: asyncio.Runner, sqlite: Database) -> None:
    async def list_ids() -> None:
        await sqlite.list_ids(sqlite.collection(ITEMS), 0, "")

    raises(runner, sqlite, list_ids, "a page of ids without a size")


def raises(runner: asyncio.Runner, sqlite: Database, call: Callable[[], Any], feature: str) -> None:
    with pytest.raises(NotImplementedError, match=f"does not support {feature}"):
        runner.run(call())
    runner.run(sqlite.close())
