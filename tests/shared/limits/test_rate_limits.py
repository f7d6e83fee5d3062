"""Rate limits of subscribers."""

import asyncio
from datetime import UTC, datetime
from uuid import uuid4

import pytest

from shared.errors import DependencyUnavailable, Overloaded, RateLimited
from shared.limits.rate_limits import RateLimits
from shared.limits.settings import RateLimitSettings
from shared.purchases.authenticator import Purchase, Subscriber
from shared.store.database import Database
from shared.store.quotas import Quotas
from shared.store.settings import DatabaseSettings

NOW = datetime(2026, 11, 23, tzinfo=UTC)


def subscriber(provider: str) -> Subscriber:
    return Subscriber(provider, Purchase.of(str(uuid4())))


def limits_of(quotas: Quotas, settings: RateLimitSettings) -> RateLimits:
    return RateLimits("test", settings.web, settings.mobile, quotas, settings)


async def admitted_count(limits: RateLimits, caller: Subscriber, count: int) -> int:
    """Send `count` concurrent requests; return the number admitted."""
    attempts = (limits.admit(caller, NOW) for _ in range(count))
    responses = await asyncio.gather(*attempts, return_exceptions=True)
    limited = [each for each in responses if isinstance(each, RateLimited)]
    assert responses.count(None) + len(limited) == count
    return count - len(limited)


@pytest.mark.parametrize(
    ("provider", "limit"), [("Web", 100), ("Google", 20), ("Apple", 20), ("RevenueCat", 20)]
)
async def test_each_provider_has_its_limit(database: Database, provider: str, limit: int) -> None:
    limits = limits_of(Quotas(database), RateLimitSettings())
    assert await admitted_count(limits, subscriber(provider), count=limit + 5) == limit


async def test_buckets_are_counted_separately(database: Database) -> None:
    quotas, settings, caller = Quotas(database), RateLimitSettings(), subscriber("Apple")
    for bucket in ("ai", "chat"):
        assert (
            await admitted_count(RateLimits(bucket, 1, 1, quotas, settings), caller, count=2) == 1
        )


async def test_test_mode_disables_limits(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEST_MODE", "True")
    monkeypatch.setenv("RATE_LIMIT_MOBILE", "1")
    limits = limits_of(Quotas(database), RateLimitSettings())
    assert await admitted_count(limits, subscriber("Google"), count=5) == 5


class FailingQuotas(Quotas):
    """Raises an error instead of counting."""

    def __init__(self, error: DependencyUnavailable) -> None:
        super().__init__(Database(DatabaseSettings()))
        self._error = error

    async def take(self, _key: str, _limit: int, _now: datetime) -> None:
        raise self._error


async def test_request_is_rejected_when_counters_are_unavailable() -> None:
    limits = limits_of(FailingQuotas(DependencyUnavailable("the database", 5)), RateLimitSettings())
    with pytest.raises(DependencyUnavailable):
        await limits.admit(subscriber("Web"), NOW)


async def test_request_is_admitted_when_counters_are_optional() -> None:
    settings = RateLimitSettings(when_unavailable="allow")
    limits = limits_of(FailingQuotas(DependencyUnavailable("the database", 5)), settings)
    await limits.admit(subscriber("Web"), NOW)


async def test_overloaded_counter_rejects_request() -> None:
    settings = RateLimitSettings(when_unavailable="allow")
    limits = limits_of(FailingQuotas(Overloaded("requests", 5)), settings)
    with pytest.raises(Overloaded):
        await limits.admit(subscriber("Web"), NOW)
