"""Cached verifications, in memory and in the database."""

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import uuid4

import pytest

from scripts.local.round_trips import RoundTrips
from shared.errors import DependencyUnavailable
from shared.purchases.authenticator import Purchase
from shared.purchases.cached_verifier import CachedVerifier
from shared.purchases.settings import PurchaseSettings
from shared.store.data_model import VERIFICATIONS
from shared.store.database import Database
from shared.store.settings import DatabaseSettings
from shared.store.verifications import Verification, Verifications
from tests.shared.store.faulty_databases import Unreachable
from tests.stored_documents import find_fields, put

NOW = datetime(2026, 11, 23, tzinfo=UTC)
SECOND, MINUTE, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(days=1)
SETTINGS = PurchaseSettings(good_s=1800, refused_s=60, trusted_s=86_400)


PURCHASE = Purchase.of("SECRET-purchase-id")


@dataclass
class FakeProvider:
    """A provider that returns or raises `result`, and records the tokens of its calls."""

    result: Purchase | DependencyUnavailable | None = PURCHASE
    tokens: list[str] = field(default_factory=list)

    async def find_purchase(self, token: str, _now: datetime) -> Purchase | None:
        self.tokens.append(token)
        await asyncio.sleep(0)
        if isinstance(self.result, DependencyUnavailable):
            raise self.result
        return self.result


OUTAGE = DependencyUnavailable("the provider", 17)


@pytest.fixture
def provider() -> FakeProvider:
    return FakeProvider()


@pytest.fixture
def token() -> str:
    return f"SECRET-{uuid4()}"


def instance(provider: FakeProvider, database: Database) -> CachedVerifier:
    """Return a verifier with an empty cache, as in another instance."""
    return CachedVerifier("Google", provider, Verifications(database), SETTINGS)


async def test_concurrent_requests_call_provider_once(
    provider: FakeProvider, database: Database, token: str
) -> None:
    verifier = instance(provider, database)
    results = await asyncio.gather(*(verifier.find_purchase(token, NOW) for _ in range(100)))
    assert results == [PURCHASE] * 100
    assert await verifier.find_purchase(token, NOW + 29 * MINUTE)
    assert provider.tokens == [token]


async def test_other_instance_does_not_call_provider(
    provider: FakeProvider, database: Database, token: str
) -> None:
    await instance(provider, database).find_purchase(token, NOW)
    other = instance(provider, database)
    assert await other.find_purchase(token, NOW + 29 * MINUTE) == PURCHASE
    assert len(provider.tokens) == 1
    # The stored confirmation expires at the time of the first verification plus 30 minutes.
    assert await other.find_purchase(token, NOW + 30 * MINUTE)
    assert len(provider.tokens) == 2


async def test_cached_result_costs_no_round_trip(provider: FakeProvider, token: str) -> None:
    trips = RoundTrips()
    verifier = instance(provider, Database(DatabaseSettings(), trips.open_engine))
    with trips.counted() as calls:
        await verifier.find_purchase(token, NOW)
    assert calls == ["BatchGetDocuments", "Commit"]
    with trips.counted() as calls:
        await verifier.find_purchase(token, NOW + MINUTE)
    assert calls == []


async def test_rejection_is_cached_for_a_minute_in_memory(
    provider: FakeProvider, database: Database, token: str
) -> None:
    provider.result = None
    verifier = instance(provider, database)
    assert not await verifier.find_purchase(token, NOW)
    assert not await verifier.find_purchase(token, NOW + 59 * SECOND)
    assert len(provider.tokens) == 1
    assert await stored(database, token) is None
    provider.result = PURCHASE
    assert await verifier.find_purchase(token, NOW + 60 * SECOND)


async def test_recent_confirmation_is_accepted_during_outage(
    provider: FakeProvider, database: Database, token: str
) -> None:
    verifier = instance(provider, database)
    await verifier.find_purchase(token, NOW)
    provider.result = OUTAGE
    for each in (verifier, instance(provider, database)):
        assert await each.find_purchase(token, NOW + DAY - SECOND) == PURCHASE
        with pytest.raises(DependencyUnavailable):
            await each.find_purchase(token, NOW + DAY + MINUTE)


async def test_unavailable_provider_is_not_called_each_time(
    provider: FakeProvider, database: Database, token: str
) -> None:
    verifier = instance(provider, database)
    await verifier.find_purchase(token, NOW)
    provider.result = OUTAGE
    later = NOW + 31 * MINUTE
    for second in (0, 5, 16):
        assert await verifier.find_purchase(token, later + second * SECOND)
    assert len(provider.tokens) == 2
    provider.result = None  # the outage is over, and the purchase was refunded
    assert not await verifier.find_purchase(token, later + 17 * SECOND)


async def test_unknown_token_fails_during_outage(
    provider: FakeProvider, database: Database, token: str
) -> None:
    provider.result = OUTAGE
    verifier = instance(provider, database)
    with pytest.raises(DependencyUnavailable) as caught:
        await verifier.find_purchase(token, NOW)
    assert caught.value.retry_after_s == 17
    provider.result = PURCHASE
    assert await verifier.find_purchase(token, NOW + SECOND)


async def test_refunded_purchase_is_deleted_everywhere(
    provider: FakeProvider, database: Database, token: str
) -> None:
    verifier = instance(provider, database)
    await verifier.find_purchase(token, NOW)
    provider.result = None
    assert not await verifier.find_purchase(token, NOW + 31 * MINUTE)
    assert await stored(database, token) is None
    provider.result = OUTAGE
    for each in (verifier, instance(provider, database)):
        with pytest.raises(DependencyUnavailable):
            await each.find_purchase(token, NOW + 33 * MINUTE)


async def test_cancelled_caller_does_not_cancel_verification(
    provider: FakeProvider, database: Database, token: str
) -> None:
    verifier = instance(provider, database)
    first = asyncio.create_task(verifier.find_purchase(token, NOW))
    await asyncio.sleep(0)
    second = asyncio.create_task(verifier.find_purchase(token, NOW))
    await asyncio.sleep(0)
    first.cancel()
    assert await second
    assert len(provider.tokens) == 1


async def test_provider_is_called_when_database_is_down(provider: FakeProvider, token: str) -> None:
    verifier = instance(provider, Unreachable())
    assert await verifier.find_purchase(token, NOW)
    assert await verifier.find_purchase(token, NOW + MINUTE)
    assert len(provider.tokens) == 1
    provider.result = OUTAGE
    assert await verifier.find_purchase(token, NOW + 31 * MINUTE)


async def test_token_is_stored_only_as_hash(
    provider: FakeProvider, database: Database, token: str
) -> None:
    await instance(provider, database).find_purchase(token, NOW)
    assert await stored(database, token) == {
        "verified_at": NOW,
        "purchase_sha256": PURCHASE.sha256,
        "expires_at": NOW + DAY,
    }


def key_of(token: str) -> str:
    return f"google-{sha256(token.encode()).hexdigest()}"


async def stored(database: Database, token: str) -> dict[str, Any] | None:
    return await find_fields(database, database.document(VERIFICATIONS, key_of(token)))


@pytest.fixture
async def old_document(database: Database, token: str) -> None:
    """A confirmation that the previous version stored at `NOW`, without the purchase."""
    document = database.document(VERIFICATIONS, key_of(token))
    await put(database, document, {"verified_at": NOW, "expires_at": NOW + DAY})


@pytest.mark.usefixtures("old_document")
async def test_document_without_purchase_is_verified_again(
    provider: FakeProvider, database: Database, token: str
) -> None:
    verifier = instance(provider, database)
    assert await verifier.find_purchase(token, NOW + MINUTE) == PURCHASE
    assert provider.tokens == [token]
    assert (await stored(database, token) or {})["purchase_sha256"] == PURCHASE.sha256


@pytest.mark.usefixtures("old_document")
async def test_document_without_purchase_is_accepted_in_outage(
    provider: FakeProvider, database: Database, token: str
) -> None:
    provider.result = OUTAGE
    verifier = instance(provider, database)
    assert await verifier.find_purchase(token, NOW + MINUTE) == Purchase.of(token)
    with pytest.raises(DependencyUnavailable):
        await instance(provider, database).find_purchase(token, NOW + DAY)
    provider.result = PURCHASE
    after_pause = NOW + MINUTE + 17 * SECOND
    assert await verifier.find_purchase(token, after_pause) == PURCHASE


@pytest.mark.usefixtures("old_document")
async def test_refund_deletes_document_without_purchase(
    provider: FakeProvider, database: Database, token: str
) -> None:
    provider.result = None
    assert await instance(provider, database).find_purchase(token, NOW + MINUTE) is None
    assert await stored(database, token) is None


class ReadOnlyVerifications(Verifications):
    """Can be read but not written."""

    async def put(self, *_: object) -> None:
        raise DependencyUnavailable("the database", 5)

    async def delete(self, *_: object) -> None:
        raise DependencyUnavailable("the database", 5)


async def test_confirmation_is_cached_when_database_fails(
    provider: FakeProvider, database: Database, token: str
) -> None:
    verifier = CachedVerifier("Google", provider, ReadOnlyVerifications(database), SETTINGS)
    assert await verifier.find_purchase(token, NOW)
    provider.result = None
    assert not await verifier.find_purchase(token, NOW + 31 * MINUTE)
    assert not await verifier.find_purchase(token, NOW + 31 * MINUTE)
    assert len(provider.tokens) == 2


class SlowProvider:
    """A provider whose verification consists of many short calls."""

    async def find_purchase(self, _token: str, _now: datetime) -> Purchase | None:
        for _ in range(1000):
            await asyncio.sleep(0.01)
        return PURCHASE


async def test_verification_of_many_calls_times_out(database: Database, token: str) -> None:
    short_timeout = SETTINGS.model_copy(update={"timeout_s": 0.1})
    verifier = CachedVerifier("Google", SlowProvider(), Verifications(database), short_timeout)
    async with asyncio.timeout(20):
        with pytest.raises(DependencyUnavailable):
            await verifier.find_purchase(token, NOW)


class CountingVerifications(Verifications):
    """Sets `all_read` after its 60th read."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.reads = 0
        self.all_read = asyncio.Event()

    async def find(self, key: str) -> Verification | None:
        found = await super().find(key)
        self.reads += 1
        if self.reads == 60:
            self.all_read.set()
        return found


async def test_concurrent_verifications_are_limited(database: Database) -> None:
    class BlockingProvider:
        concurrent = max_concurrent = 0

        async def find_purchase(self, _token: str, _now: datetime) -> None:
            self.concurrent += 1
            self.max_concurrent = max(self.max_concurrent, self.concurrent)
            await may_end.wait()
            self.concurrent -= 1

    provider, verifications, may_end = (
        BlockingProvider(),
        CountingVerifications(database),
        asyncio.Event(),
    )
    long_timeout = SETTINGS.model_copy(update={"timeout_s": 60})
    verifier = CachedVerifier("Google", provider, verifications, long_timeout)
    verifying = asyncio.gather(*(verifier.find_purchase(str(uuid4()), NOW) for _ in range(60)))
    await verifications.all_read.wait()
    for _ in range(20):  # a request reaches the limit a few event loop iterations after its read
        await asyncio.sleep(0)
    assert provider.concurrent == 16
    may_end.set()
    assert await verifying == [None] * 60
    assert provider.max_concurrent == 16
