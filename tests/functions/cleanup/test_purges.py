"""The purges of a pass."""

from datetime import UTC, datetime

import pytest

from functions.cleanup.main import purges
from functions.cleanup.settings import CleanupSettings
from shared.store.data_model import ALL, RATE_LIMITS
from shared.store.database import Database
from shared.store.settings import DatabaseSettings
from tests.engines import on_firestore_only
from tests.stored_documents import put

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def test_every_expiring_collection_has_a_purge() -> None:
    expiring = {collection.name for collection in ALL if collection.ttl_field is not None}
    others = {"leftovers", "orphans", "orphaned lookups"}
    assert purges(Database(DatabaseSettings()), CleanupSettings()).keys() == expiring | others


@on_firestore_only
async def test_counts_are_purged_in_both_databases(
    own_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RATE_LIMIT_DATABASE", "counts")
    other = own_database.named("counts")
    for database in (own_database, other):
        await put(database, database.document(RATE_LIMITS, "old"), {"expires_at": NOW})
    all_purges = purges(own_database, CleanupSettings())
    for kind in ("rate_limits", "rate_limits elsewhere"):
        assert [count async for count in all_purges[kind](NOW)] == [1]
    for database in (own_database, other):
        assert await database.query(database.collection(RATE_LIMITS).select([])) == []
