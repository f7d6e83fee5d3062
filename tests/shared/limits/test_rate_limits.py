"""The limits of subscribers."""

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


def subscriber(store: str) -> Subscriber:
    return Subscriber(store, Purchase.of(str(uuid4())))


def limited(quotas: Quotas, settings: RateLimitSettings) -> RateLimits:
    return RateLimits("test", settings.web, settings.mobile, quotas, settings)


async def passes(limits: RateLimits, who: Subscriber, most: int) -> int:
    """Ask `most` times at once; return how many passed."""
    asked = (limits.admit(who, NOW) for _ in range(most))
    responses = await asyncio.gather(*asked, return_exceptions=True)
    limited = [each for each in responses if isinstance(each, RateLimited)]
    assert responses.count(None) + len(limited) == most
    return most - len(limited)


@pytest.mark.parametrize(
    ("store", "limit"), [("Web", 100), ("Google", 20), ("Apple", 20), ("RevenueCat", 20)]
)
async def test_each_provider_has_its_limit(database: Database, store: str, limit: int) -> None:
    limits = limited(Quotas(database), RateLimitSettings())
    assert await passes(limits, subscriber(store), most=limit + 5) == limit


async def test_buckets_are_counted_separately(database: Database) -> None:
    quotas, settings, who = Quotas(database), RateLimitSettings(), subscriber("Apple")
    for bucket in ("ai", "chat"):
        assert await passes(RateLimits(bucket, 1, 1, quotas, settings), who, most=2) == 1


async def test_test_mode_disables_limits(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEST_MODE", "True")
    monkeypatch.setenv("RATE_LIMIT_MOBILE", "1")
    limits = limited(Quotas(database), RateLimitSettings())
    assert await passes(limits, subscriber("Google"), most=5) == 5


class Broken(Quotas):
    """Counting fails."""

    def __init__(self, error: DependencyUnavailable) -> None:
        super().__init__(Database(DatabaseSettings()))
        self._error = error

    async def take(self, _key: str, _limit: int, _now: datetime) -> None:
        raise self._error


async def test_request_is_rejected_when_counters_are_unavailable() -> None:
    limits = limited(Broken(DependencyUnavailable("the store", 5)), RateLimitSettings())
    with pytest.raises(DependencyUnavailable):
        await limits.admit(subscriber("Web"), NOW)


async def test_request_is_admitted_when_counters_are_optional() -> None:
    settings = RateLimitSettings(when_unavailable="allow")
    limits = limited(Broken(DependencyUnavailable("the store", 5)), settings)
    await limits.admit(subscriber("Web"), NOW)


async def test_concurrent_requests_respect_the_limit() -> None:
    settings = RateLimitSettings(when_unavailable="allow")
    limits = limited(Broken(Overloaded("requests", 5)), settings)
    with pytest.raises(Overloaded):
        await limits.admit(subscriber("Web"), NOW)
