"""RevenueCat, with a fake API."""

import json
import logging
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import httpx2
import pytest

from scripts.fakes import revenuecat
from scripts.fakes.faults import Failing, Fault
from scripts.fakes.revenuecat import ENTITLEMENT, Entitlement
from shared.clients.secrets import Secrets
from shared.clients.settings import SecretSettings
from shared.errors import DependencyUnavailable
from shared.purchases.authenticator import Purchase
from shared.purchases.revenuecat import RevenueCat, RevenueCatSettings
from tests.fakes import RunningFake

NOW = datetime(2026, 11, 23, tzinfo=UTC)


def ms(at: datetime) -> int:
    return int(at.timestamp() * 1000)


@dataclass
class Harness:
    """The fake, and the provider that calls it."""

    fake: revenuecat.RevenueCat
    server: Failing
    settings: RevenueCatSettings
    provider: RevenueCat


@pytest.fixture
def harness(
    fake_revenuecat: RunningFake[revenuecat.RevenueCat], outgoing: httpx2.AsyncClient
) -> Harness:
    settings = RevenueCatSettings.model_validate(
        {
            "api_key": revenuecat.KEY,
            "project": revenuecat.PROJECT,
            "entitlement": ENTITLEMENT,
            "url": fake_revenuecat.url,
        }
    )
    provider = RevenueCat(settings, Secrets(SecretSettings()), outgoing, timeout_s=20)
    return Harness(fake_revenuecat.fake, fake_revenuecat.server, settings, provider)


@pytest.mark.parametrize(
    ("entitlements", "is_entitled"),
    [
        ([Entitlement()], True),
        ([Entitlement(expires_at=ms(NOW + timedelta(days=1)))], True),
        ([Entitlement(expires_at=ms(NOW - timedelta(days=3)))], True),
        ([Entitlement("entlsomethingelse")], False),
        ([], False),
        (None, False),
        ([*(Entitlement(f"entl{n}") for n in range(45)), Entitlement()], True),
        ([Entitlement(f"entl{n}") for n in range(45)], False),
    ],
    ids=[
        "for life",
        "running",
        "in a grace period",
        "another product",
        "revoked",
        "unknown customer",
        "on the third page",
        "not on three pages",
    ],
)
async def test_active_entitlement_proves_purchase(
    harness: Harness, entitlements: list[Entitlement] | None, *, is_entitled: bool
) -> None:
    harness.fake.entitlements_of = lambda _customer: entitlements
    assert (
        await harness.provider.find_purchase("$RCAnonymousID:0123", NOW) is not None
    ) == is_entitled


async def test_customer_id_cannot_change_the_path(harness: Harness) -> None:
    harness.fake.entitlements_of = lambda _customer: None
    harness.fake.asked.clear()
    customer = "../someone/active_entitlements?x=/ü#"
    assert not await harness.provider.find_purchase(customer, NOW)
    assert harness.fake.asked == [customer]


async def test_invalid_customer_id_is_not_sent(harness: Harness) -> None:
    calls = harness.server.calls
    assert not await harness.provider.find_purchase("x" * 1501, NOW)
    assert harness.server.calls == calls


@pytest.mark.parametrize("missing", ["api_key", "project", "entitlement"])
async def test_missing_settings_are_an_outage(
    harness: Harness, outgoing: httpx2.AsyncClient, missing: str
) -> None:
    nothing = None if missing == "api_key" else ""
    settings = harness.settings.model_copy(update={missing: nothing})
    provider = RevenueCat(settings, Secrets(SecretSettings()), outgoing, timeout_s=20)
    with pytest.raises(DependencyUnavailable):
        await provider.find_purchase("subscriber", NOW)


@pytest.mark.parametrize(
    "body",
    [
        b'{"items": {}}',
        b'{"items": [7]}',
        b'{"items": [{"entitlement_id": 7}]}',
        b'{"items": [{"entitlement_id": "entla1b2c3d4e5"}], "next_page": 7}',
        b'{"items": [null], "next_page": "/v2"}',
    ],
    ids=repr,
)
async def test_list_of_unknown_format_is_an_outage(harness: Harness, body: bytes) -> None:
    harness.server.faults.append(Fault(200, body))
    with pytest.raises(DependencyUnavailable):
        await harness.provider.find_purchase("subscriber", NOW)


@pytest.mark.parametrize(
    ("is_retryable", "level"), [(True, logging.WARNING), (False, logging.ERROR)]
)
async def test_only_a_permanent_error_is_an_alert(
    harness: Harness, caplog: pytest.LogCaptureFixture, level: int, *, is_retryable: bool
) -> None:
    error = {"type": "unprocessable_entity_error", "retryable": is_retryable}
    harness.server.faults.append(Fault(422, json.dumps(error).encode()))
    with pytest.raises(DependencyUnavailable):
        await harness.provider.find_purchase("subscriber", NOW)
    assert [each.levelno for each in caplog.records if each.name.startswith("shared")] == [level]


@pytest.mark.parametrize("customer", ["$RCAnonymousID:0a", "$RCAnonymousID:0A", "a b", "a%20b"])
async def test_customer_id_identifies_purchase(harness: Harness, customer: str) -> None:
    harness.fake.entitlements_of = lambda _customer: [Entitlement()]
    harness.fake.asked.clear()
    assert await harness.provider.find_purchase(customer, NOW) == Purchase.of(customer)
    assert harness.fake.asked == [customer]


@pytest.mark.parametrize(
    ("parameter", "is_about_the_token"), [("customer_id", True), ("project_id", False)]
)
async def test_malformed_customer_id_proves_no_purchase(
    harness: Harness, parameter: str, *, is_about_the_token: bool
) -> None:
    error = {"type": "parameter_error", "param": parameter}
    harness.server.faults.append(Fault(400, json.dumps(error).encode()))
    if is_about_the_token:
        assert not await harness.provider.find_purchase("x" * 500, NOW)
    else:
        with pytest.raises(DependencyUnavailable):
            await harness.provider.find_purchase("subscriber", NOW)


async def test_endless_list_is_an_outage(harness: Harness) -> None:
    endless = [Entitlement(f"entl{n}") for n in range(1000)]
    harness.fake.entitlements_of = lambda _customer: endless
    calls = harness.server.calls
    with pytest.raises(DependencyUnavailable):
        await harness.provider.find_purchase("subscriber", NOW)
    assert harness.server.calls - calls == 20
