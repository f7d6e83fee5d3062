"""Quotas under concurrent requests."""

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from scripts.local.round_trips import RoundTrips
from shared.errors import DependencyUnavailable, RateLimited
from shared.store.data_model import RATE_LIMITS
from shared.store.database import Database
from shared.store.quotas import Quotas
from shared.store.settings import DatabaseSettings
from shared.store.sliding_window import WINDOW
from tests.engines import on_firestore_only
from tests.shared.store.faulty_databases import Unreachable
from tests.stored_documents import exists, find_fields

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)


@pytest.fixture
def key() -> str:
    return f"ai-google-{uuid4().hex}"


async def take(quotas: Quotas, key: str, now: datetime, limit: int = 20) -> int | None:
    """Count a request; return None, or the seconds until the next one passes."""
    try:
        await quotas.take(key, limit, now)
    except RateLimited as error:
        return error.retry_after_s
    return None


async def test_exactly_20_of_60_concurrent_requests_pass(database: Database, key: str) -> None:
    quotas = Quotas(database)
    outcomes = await asyncio.gather(*(take(quotas, key, NOW) for _ in range(60)))
    assert Counter(outcomes) == {None: 20, 24 * 3600: 40}


async def test_exactly_20_of_60_requests_at_3_instances_pass(
    key: str, settings: DatabaseSettings
) -> None:
    instances = [Quotas(Database(settings)) for _ in range(3)]
    outcomes = await asyncio.gather(*(take(instances[n % 3], key, NOW) for n in range(60)))
    assert Counter(outcomes) == {None: 20, 24 * 3600: 40}


async def test_concurrent_requests_take_one_read_and_commit(
    key: str, settings: DatabaseSettings
) -> None:
    trips = RoundTrips()
    quotas = Quotas(Database(settings, trips.open_engine))
    with trips.counted() as calls:
        await asyncio.gather(*(take(quotas, key, NOW) for _ in range(60)))
    assert calls == ["BatchGetDocuments", "Commit"]


async def test_requests_fail_together_when_database_is_down(key: str) -> None:
    quotas = Quotas(Unreachable(max_wait_s=0.01))
    failures = await asyncio.gather(
        *(quotas.take(key, 20, NOW) for _ in range(60)), return_exceptions=True
    )
    assert {type(failure) for failure in failures} == {DependencyUnavailable}


async def test_cancelled_request_does_not_cancel_its_group(database: Database, key: str) -> None:
    quotas = Quotas(database)
    callers = [asyncio.create_task(take(quotas, key, NOW)) for _ in range(3)]
    await asyncio.sleep(0)
    callers[0].cancel()
    assert await asyncio.gather(*callers[1:]) == [None, None]


async def test_requests_that_leave_the_window_make_room(database: Database, key: str) -> None:
    quotas = Quotas(database)
    for second in range(20):
        assert await take(quotas, key, NOW + second * SECOND) is None
    assert await take(quotas, key, NOW + 20 * SECOND) == 24 * 3600 - 20
    later = NOW + WINDOW + 4 * SECOND  # the requests of seconds 0 to 4 have left
    outcomes = await asyncio.gather(*(take(quotas, key, later) for _ in range(30)))
    assert Counter(outcomes) == {None: 5, 1: 25}


async def test_rejected_request_is_not_counted(database: Database, key: str) -> None:
    quotas = Quotas(database)
    assert await take(quotas, key, NOW, limit=1) is None
    for _ in range(5):
        assert await take(quotas, key, NOW + SECOND, limit=1) is not None
    assert await take(quotas, key, NOW + WINDOW, limit=1) is None


async def test_full_window_is_not_read_again(key: str, settings: DatabaseSettings) -> None:
    trips = RoundTrips()
    quotas = Quotas(Database(settings, trips.open_engine))
    with trips.counted() as calls:
        await take(quotas, key, NOW, limit=1)
    assert calls == ["BatchGetDocuments", "Commit"]
    with trips.counted() as calls:
        assert [await take(quotas, key, NOW + SECOND, limit=1) for _ in range(5)] == [86_399] * 5
    assert calls == ["BatchGetDocuments"]


async def test_document_expires_when_its_window_is_empty(database: Database, key: str) -> None:
    quotas = Quotas(database)
    await take(quotas, key, NOW)
    await take(quotas, key, NOW + SECOND)
    assert await find_fields(database, database.document(RATE_LIMITS, key)) == {
        "passed": [NOW, NOW + SECOND],
        "expires_at": NOW + SECOND + WINDOW,
    }


@on_firestore_only
async def test_counts_can_have_their_own_database(database: Database, key: str) -> None:
    assert database.named(None) is database
    assert database.named("(default)") is database
    other = database.named("limits")
    await take(Quotas(other), key, NOW)
    assert await exists(other, other.document(RATE_LIMITS, key))
    assert not await exists(database, database.document(RATE_LIMITS, key))
