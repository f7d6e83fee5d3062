"""Sign-in with a purchase token."""

from datetime import UTC, datetime
from hashlib import sha256

import pytest

from shared.errors import DependencyUnavailable, NotEntitled
from shared.purchases.authenticator import Purchase, PurchaseAuthenticator, Subscriber

NOW = datetime(2026, 11, 23, tzinfo=UTC)
TOKEN = "$RCAnonymousID:0123 and more"  # noqa: S105 - not a real one


class OneTokenProvider:
    """A provider with one valid token."""

    async def find_purchase(self, token: str, _now: datetime) -> Purchase | None:
        return Purchase.of("its id") if token == TOKEN else None


class UnavailableProvider:
    """A provider that is unavailable."""

    async def find_purchase(self, _token: str, _now: datetime) -> Purchase | None:
        raise DependencyUnavailable("the provider", 7)


@pytest.fixture
def authenticator() -> PurchaseAuthenticator:
    return PurchaseAuthenticator({"RevenueCat": OneTokenProvider(), "Apple": UnavailableProvider()})


@pytest.mark.parametrize(
    "presented",
    [
        f"RevenueCat {TOKEN}",
        f"Bearer RevenueCat {TOKEN}",
        f"bearer REVENUECAT {TOKEN}",
        f"revenuecat {TOKEN}",
        f"  Bearer   RevenueCat   {TOKEN}  ",
    ],
)
async def test_token_spellings_are_accepted(
    authenticator: PurchaseAuthenticator, presented: str
) -> None:
    subscriber = await authenticator.subscriber(presented, NOW)
    assert subscriber == Subscriber("RevenueCat", Purchase.of("its id"))
    assert subscriber.key == f"revenuecat-{sha256(b'its id').hexdigest()}"


@pytest.mark.parametrize(
    "presented",
    [
        "RevenueCat",
        "RevenueCat ",
        "Bearer",
        "Bearer RevenueCat",
        "Bearer Bearer RevenueCat x",
        TOKEN,
        "RevenueCat another-token",
        "Amazon x",
        "RevenueCatx",
        "Basic dXNlcjpwYXNz",
    ],
    ids=lambda text: text[:20],
)
async def test_invalid_token_is_rejected(
    authenticator: PurchaseAuthenticator, presented: str
) -> None:
    with pytest.raises(NotEntitled) as caught:
        await authenticator.subscriber(presented, NOW)
    assert caught.value.was_presented
    for word in (*TOKEN.split(), "another-token", "Amazon", "dXNlcjpwYXNz"):
        assert len(word) < 5 or word not in str(caught.value)


async def test_too_long_token_is_not_verified() -> None:
    class AnyTokenProvider:
        async def find_purchase(self, token: str, _now: datetime) -> Purchase | None:
            return Purchase.of(token)

    authenticator = PurchaseAuthenticator({"Web": AnyTokenProvider()})
    await authenticator.subscriber("Web " + "x" * 65_536, NOW)
    with pytest.raises(NotEntitled):
        await authenticator.subscriber("Web " + "x" * 65_537, NOW)


@pytest.mark.parametrize("presented", [None, "", "  "], ids=repr)
async def test_missing_token_differs_from_invalid_token(
    authenticator: PurchaseAuthenticator, presented: str | None
) -> None:
    with pytest.raises(NotEntitled) as caught:
        await authenticator.subscriber(presented, NOW)
    assert not caught.value.was_presented


async def test_provider_outage_is_not_a_rejection(authenticator: PurchaseAuthenticator) -> None:
    with pytest.raises(DependencyUnavailable):
        await authenticator.subscriber(f"Apple {TOKEN}", NOW)


def test_equal_ids_of_two_providers_have_distinct_keys() -> None:
    purchase = Purchase.of("x")
    assert Subscriber("Apple", purchase).key != Subscriber("Google", purchase).key
