"""The purges of a pass."""

from datetime import UTC, datetime
from uuid import uuid4

import pytest

from functions.cleanup.main import purges
from functions.cleanup.settings import CleanupSettings
from shared.store.data_model import ALL, RATE_LIMITS
from shared.store.database import Database
from shared.store.settings import DatabaseSettings

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def test_every_expiring_collection_has_a_purge() -> None:
    expiring = {collection.name for collection in ALL if collection.ttl_field is not None}
    others = {"leftovers", "orphans", "orphaned lookups"}
    assert purges(Database(DatabaseSettings()), CleanupSettings()).keys() == expiring | others


async def test_counts_are_purged_in_both_databases(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("RATE_LIMIT_DATABASE", "counts")
    default = Database(DatabaseSettings(project=f"purges-{uuid4()}"))
    other = default.named("counts")
    for database in (default, other):
        await database.document(RATE_LIMITS, "old").set({"expires_at": NOW})
    all_purges = purges(default, CleanupSettings())
    for kind in ("rate_limits", "rate_limits elsewhere"):
        assert [count async for count in all_purges[kind](NOW)] == [1]
    for database in (default, other):
        assert await database.query(database.collection(RATE_LIMITS).select([])) == []
