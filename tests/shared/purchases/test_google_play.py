"""Google Play, with a fake API and a fake token server."""

import asyncio
import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2
import pytest

from scripts.fakes import google
from scripts.fakes.faults import Failing, Fault
from shared.errors import DependencyUnavailable
from shared.purchases.authenticator import Purchase
from shared.purchases.google_play import GooglePlay, GooglePlaySettings
from tests.fakes import RunningFake
from tests.loopback import served

NOW = datetime(2026, 11, 23, tzinfo=UTC)
TOKEN = "minodojglppganfbiedlabed.AO-J1OyNtpooSraUdtKlZ_9gYs0o20ZF"  # noqa: S105 - not a real one
BOUGHT = {"purchaseState": 0}
HTML = b"<!DOCTYPE html><title>Error 404 (Not Found)!!1</title>"


@dataclass
class Harness:
    """The fake, and providers that call it."""

    fake: google.GooglePlay
    server: Failing
    url: str
    http: httpx2.AsyncClient

    def provider(self, timeout_s: float = 20, **settings: str) -> GooglePlay:
        chosen = GooglePlaySettings.model_validate({"url": self.url, **settings})
        return GooglePlay(chosen, self.http, timeout_s)


@pytest.fixture
def harness(
    fake_google_play: RunningFake[google.GooglePlay],
    outgoing: httpx2.AsyncClient,
    service_account_file: Path,
) -> Harness:
    fake = fake_google_play.fake
    fake.purchases[TOKEN] = BOUGHT
    return Harness(fake, fake_google_play.server, fake_google_play.url, outgoing)


@pytest.mark.parametrize(
    ("purchase", "is_entitled"),
    [
        (BOUGHT, True),
        ({**BOUGHT, "productId": google.PRODUCT}, True),
        ({**BOUGHT, "purchaseType": 0}, True),
        ({**BOUGHT, "acknowledgementState": 0, "consumptionState": 1}, True),
        ({**BOUGHT, "quantity": 2, "refundableQuantity": 1}, True),
        ({"purchaseState": 1}, False),
        ({"purchaseState": 2}, False),
        ({**BOUGHT, "refundableQuantity": 0}, False),
        ({**BOUGHT, "productId": "tip"}, False),
        (None, False),
    ],
    ids=[
        "purchased",
        "purchased, with product",
        "purchased by a tester",
        "purchased and consumed",
        "refunded in part",
        "cancelled",
        "pending",
        "refunded",
        "another product",
        "unknown",
    ],
)
async def test_purchased_product_proves_purchase(
    harness: Harness, purchase: dict[str, Any] | None, *, is_entitled: bool
) -> None:
    harness.fake.purchases = {} if purchase is None else {TOKEN: purchase}
    assert (await harness.provider().find_purchase(TOKEN, NOW) is not None) == is_entitled


@pytest.mark.parametrize(
    ("purchase", "name"),
    [
        ({**BOUGHT, "orderId": "GPA.1234-5678-9012-34567"}, "GPA.1234-5678-9012-34567"),
        (BOUGHT, TOKEN),
        ({**BOUGHT, "orderId": ""}, TOKEN),
        ({**BOUGHT, "orderId": None}, TOKEN),
    ],
    ids=["an order", "no order", "an empty order", "null for an order"],
)
async def test_order_id_or_token_identifies_purchase(
    harness: Harness, purchase: dict[str, Any], name: str
) -> None:
    harness.fake.purchases = {TOKEN: purchase}
    assert await harness.provider().find_purchase(TOKEN, NOW) == Purchase.of(name)


@pytest.mark.parametrize("reason", ["rateLimitExceeded", "userRateLimitExceeded"])
async def test_rate_limit_with_status_403_is_a_pause(
    harness: Harness, caplog: pytest.LogCaptureFixture, reason: str
) -> None:
    provider = harness.provider()
    harness.server.faults += [error_response(403, reason)]
    before = harness.server.calls
    for _ in range(2):
        with pytest.raises(DependencyUnavailable):
            await provider.find_purchase(TOKEN, NOW)
    assert harness.server.calls - before == 1
    assert errors(caplog) == []


async def test_purchase_of_other_product_is_rejected(
    harness: Harness,
) -> None:
    response = json.dumps({**BOUGHT, "productId": "tip"}).encode()
    harness.server.faults += [Fault(200, response)]
    assert not await harness.provider().find_purchase(TOKEN, NOW)


async def test_package_and_product_are_configurable(harness: Harness) -> None:
    harness.fake.purchases[TOKEN] = {**BOUGHT, "productId": "lifetime"}
    assert await harness.provider(product="lifetime").find_purchase(TOKEN, NOW)
    assert not await harness.provider().find_purchase(TOKEN, NOW)


def error_response(status: int, reason: str) -> Fault:
    return Fault(status, bytes(google.error(status, reason).body))


REJECTIONS = {
    "not found": error_response(404, "purchaseTokenNotFound"),
    "not found, as documented": error_response(404, "notFound"),
    "gone": error_response(410, "purchaseTokenNoLongerValid"),
    "gone for too long": error_response(410, "subscriptionPurchaseNoLongerAvailable"),
    "gone without a body": Fault(410),
    "invalid": error_response(400, "invalid"),
    "invalid, as documented": error_response(400, "invalidValue"),
    "of another product": error_response(400, "purchaseTokenDoesNotMatchProductId"),
    "of another app": error_response(400, "purchaseTokenDoesNotMatchPackageName"),
}


@pytest.mark.parametrize("fault", REJECTIONS.values(), ids=REJECTIONS)
async def test_token_rejected_by_google_proves_no_purchase(
    harness: Harness, caplog: pytest.LogCaptureFixture, fault: Fault
) -> None:
    harness.server.faults += [fault]
    assert not await harness.provider().find_purchase(TOKEN, NOW)
    assert errors(caplog) == []


ALERTS = {
    "unknown application": error_response(404, "applicationNotFound"),
    "no permission": error_response(403, "permissionDenied"),
    "no permission for orders": error_response(403, "userInsufficientPermission"),
    "project not linked": error_response(403, "projectNotLinked"),
    "no access": error_response(401, "authError"),
    "a part is missing": error_response(400, "required"),
    "another address": Fault(404, HTML),
    "another method": Fault(405, HTML),
    "no reason": Fault(400, b'{"error": {"code": 400, "message": "..."}}'),
    "no list of reasons": Fault(400, b'{"error": {"errors": 400}}'),
    "a reason that is not text": Fault(400, b'{"error": {"errors": [{"reason": ["invalid"]}]}}'),
    "an error that is text": Fault(400, b'{"error": "invalid_grant"}'),
}


def errors(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [each.getMessage() for each in caplog.records if each.levelno == logging.ERROR]


@pytest.mark.parametrize("fault", ALERTS.values(), ids=ALERTS)
async def test_rejected_credentials_are_an_outage_with_alert(
    harness: Harness, caplog: pytest.LogCaptureFixture, fault: Fault
) -> None:
    harness.server.faults += [fault]
    with pytest.raises(DependencyUnavailable):
        await harness.provider().find_purchase(TOKEN, NOW)
    [error] = errors(caplog)
    assert error.startswith("Google Play")


async def test_unknown_package_is_an_outage_with_alert(
    harness: Harness, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(DependencyUnavailable):
        await harness.provider(package="com.example.typo").find_purchase(TOKEN, NOW)
    assert errors(caplog) == ["Google Play: the request is rejected (404)"]


UNUSUAL_TOKENS = {
    "a slash": "a/b",
    "the parent directory": "..",
    "the current directory": ".",
    "another path": "../../tokens/x",
    "a path with parents": "a/../../b",
    "a query": "?x=1#y",
    "escapes": "a+b%2F c",
    "other scripts": "ü✓",
    "the longest": "x" * 2000,
}


@pytest.mark.parametrize("token", UNUSUAL_TOKENS.values(), ids=UNUSUAL_TOKENS)
async def test_token_cannot_change_the_path(harness: Harness, token: str) -> None:
    before = harness.server.calls
    assert not await harness.provider().find_purchase(token, NOW)
    assert harness.fake.asked in ([], [token])  # unchanged, if it is sent
    assert harness.server.calls - before == len(harness.fake.asked)


async def test_token_may_contain_any_character(harness: Harness) -> None:
    token = "a/../b.-_~+%2F ?&#ü"  # noqa: S105 - not a real one
    harness.fake.purchases[token] = BOUGHT
    assert await harness.provider().find_purchase(token, NOW)


async def test_invalid_token_is_not_sent(harness: Harness) -> None:
    before = harness.server.calls
    assert not await harness.provider().find_purchase("x" * 2001, NOW)
    assert harness.server.calls == before
    assert harness.fake.access_tokens == 0


async def test_access_token_is_reused(harness: Harness) -> None:
    provider = harness.provider()
    for _ in range(3):
        assert await provider.find_purchase(TOKEN, NOW)
    assert harness.fake.access_tokens == 1


async def test_concurrent_verifications_share_access_token(harness: Harness) -> None:
    provider = harness.provider()
    responses = await asyncio.gather(*(provider.find_purchase(TOKEN, NOW) for _ in range(20)))
    assert responses == [Purchase.of(TOKEN)] * 20
    assert harness.fake.access_tokens == 1


async def test_expired_access_token_is_replaced(harness: Harness) -> None:
    harness.fake.access_lasts_s = 10
    provider = harness.provider()
    assert await provider.find_purchase(TOKEN, NOW)
    assert await provider.find_purchase(TOKEN, NOW)
    assert harness.fake.access_tokens == 2


def replace(service_account_file: Path, content: str | None) -> None:
    service_account_file.unlink()
    if content is not None:
        service_account_file.write_text(content)


@pytest.mark.parametrize(
    "content",
    [None, "", "{", "{}", '{"type": "service_account"}'],
    ids=["missing", "empty", "broken", "empty object", "no key"],
)
async def test_missing_service_account_is_an_outage(
    harness: Harness,
    service_account_file: Path,
    caplog: pytest.LogCaptureFixture,
    content: str | None,
) -> None:
    replace(service_account_file, content)
    before = harness.server.calls
    with pytest.raises(DependencyUnavailable):
        await harness.provider().find_purchase(TOKEN, NOW)
    assert errors(caplog) == ["Google Play: no access token: DefaultCredentialsError"]
    assert harness.server.calls == before


@pytest.fixture
def sign_in(
    fake_google_play: RunningFake[google.GooglePlay],
    service_account_file: Path,
) -> Iterator[Failing]:
    """A token server for one test: Google's library may still call it after the test."""
    failing = fake_google_play.fake.sign_in_app()
    with served(failing) as url:
        set_token_server(url, service_account_file)
        yield failing


def set_token_server(address: str, service_account_file: Path) -> None:
    account = json.loads(service_account_file.read_text())
    service_account_file.write_text(json.dumps({**account, "token_uri": f"{address}/token"}))


SIGN_IN_OUTAGES = {
    "an error": Fault(500),
    "an outage": Fault(503, HTML),
    "silence": Fault(is_silent=True),
    "a cut connection": Fault(is_cut=True),
}


@pytest.mark.parametrize("fault", SIGN_IN_OUTAGES.values(), ids=SIGN_IN_OUTAGES)
async def test_sign_in_outage_causes_no_alert(
    harness: Harness, sign_in: Failing, caplog: pytest.LogCaptureFixture, fault: Fault
) -> None:
    sign_in.faults += [fault] * 20
    before = harness.server.calls
    # Google's library waits for seconds before it retries a failed request.
    provider = harness.provider(timeout_s=0.2)
    for _ in range(2):
        with pytest.raises(DependencyUnavailable):
            await provider.find_purchase(TOKEN, NOW)
    assert harness.server.calls == before
    lines = [each for each in caplog.records if each.name == "shared.purchases.provider_api"]
    assert [each.levelno for each in lines] == [logging.WARNING] * 2
    assert all(each.getMessage().startswith("Google Play: no access token") for each in lines)


SIGN_IN_REJECTIONS = {
    "a deleted key": Fault(400, b'{"error": "invalid_grant"}'),
    "an account without permission": Fault(401, b'{"error": "unauthorized_client"}'),
    "nothing": Fault(200, b"{}"),
    "not JSON": Fault(200, HTML),
    "not a JSON object": Fault(200, b"[]"),
    "invalid lifetime": Fault(200, b'{"access_token": "x", "expires_in": "soon"}'),
}


@pytest.mark.parametrize("fault", SIGN_IN_REJECTIONS.values(), ids=SIGN_IN_REJECTIONS)
async def test_sign_in_rejection_is_an_alert(
    harness: Harness, sign_in: Failing, caplog: pytest.LogCaptureFixture, fault: Fault
) -> None:
    sign_in.faults += [fault] * 20
    before = harness.server.calls
    provider = harness.provider()
    for _ in range(2):
        with pytest.raises(DependencyUnavailable):
            await provider.find_purchase(TOKEN, NOW)
    assert harness.server.calls == before
    assert len(errors(caplog)) == 2
    assert all(each.startswith("Google Play: no access token") for each in errors(caplog))


async def test_callers_waiting_for_sign_in_time_out(harness: Harness, sign_in: Failing) -> None:
    sign_in.faults += [Fault(is_silent=True)] * 20
    provider = harness.provider(timeout_s=0.2)
    async with asyncio.timeout(50):  # The silent server ends a request after 60 s.
        responses = await asyncio.gather(
            *(provider.find_purchase(TOKEN, NOW) for _ in range(20)), return_exceptions=True
        )
    assert {type(response) for response in responses} == {DependencyUnavailable}


async def test_failed_sign_in_is_retried_by_next_request(
    harness: Harness, sign_in: Failing
) -> None:
    sign_in.faults += [Fault(400, b'{"error": "invalid_grant"}')]
    provider = harness.provider()
    with pytest.raises(DependencyUnavailable):
        await provider.find_purchase(TOKEN, NOW)
    assert await provider.find_purchase(TOKEN, NOW)


async def test_unreachable_token_server_is_an_outage(
    harness: Harness, service_account_file: Path
) -> None:
    set_token_server("http://127.0.0.1:1", service_account_file)
    with pytest.raises(DependencyUnavailable):
        await harness.provider().find_purchase(TOKEN, NOW)
