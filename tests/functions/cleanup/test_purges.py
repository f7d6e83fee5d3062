"""The purges of a run."""

from datetime import UTC, datetime
from uuid import uuid4

import pytest

from functions.cleanup.main import purges
from functions.cleanup.settings import CleanupSettings
from shared.store.data_model import ALL, RATE_LIMITS
from shared.store.database import Database
from shared.store.settings import DatabaseSettings

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def test_whatever_expires_is_gone_through_and_whatever_users_may_leave() -> None:
    expiring = {collection.name for collection in ALL if collection.ttl_field is not None}
    others = {"leftovers", "orphans", "orphaned lookups"}
    assert purges(Database(DatabaseSettings()), CleanupSettings()).keys() == expiring | others


async def test_counts_in_a_database_of_their_own_expire_and_so_do_those_from_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("RATE_LIMIT_DATABASE", "counts")
    here = Database(DatabaseSettings(project=f"purges-{uuid4()}"))
    there = here.named("counts")
    for database in (here, there):
        await RATE_LIMITS.of(database.client).document("old").set({"expires_at": NOW})
    everything = purges(here, CleanupSettings())
    for kind in ("rate_limits", "rate_limits elsewhere"):
        assert [count async for count in everything[kind](NOW)] == [1]
    for database in (here, there):
        assert await database.query(RATE_LIMITS.of(database.client).select([])) == []
