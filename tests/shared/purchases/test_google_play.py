"""Google Play, asked over its wire format; Google's own library signs in to a stand-in."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Iterator
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
from tests.loopback import served

NOW = datetime(2026, 11, 23, tzinfo=UTC)
TOKEN = "minodojglppganfbiedlabed.AO-J1OyNtpooSraUdtKlZ_9gYs0o20ZF"  # noqa: S105 - opens nothing
BOUGHT = {"purchaseState": 0}
HTML = b"<!DOCTYPE html><title>Error 404 (Not Found)!!1</title>"


@dataclass
class Asked:
    """The stand-in, and verifiers that ask it."""

    fake: google.GooglePlay
    server: Failing
    address: str
    http: httpx2.AsyncClient

    def verifier(self, timeout_s: float = 20, **settings: str) -> GooglePlay:
        chosen = GooglePlaySettings.model_validate({"url": self.address, **settings})
        return GooglePlay(chosen, self.http, timeout_s)


@pytest.fixture(scope="module")
def fake() -> google.GooglePlay:
    return google.GooglePlay()


@pytest.fixture(scope="module")
def server(fake: google.GooglePlay) -> Failing:
    return fake.app()


@pytest.fixture(scope="module")
def address(server: Failing) -> Iterator[str]:
    with served(server) as address:
        yield address


@pytest.fixture(scope="module")
def account(fake: google.GooglePlay) -> Iterator[dict[str, str]]:
    with served(fake.sign_in_app()) as sign_in:
        yield google.service_account(sign_in)


@pytest.fixture(scope="module")
async def outgoing() -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient() as client:
        yield client


@pytest.fixture
def key_file(account: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The service account that this process runs as."""
    path = tmp_path / "key.json"
    path.write_text(json.dumps(account))
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(path))
    return path


@pytest.fixture
def asked(
    fake: google.GooglePlay,
    server: Failing,
    address: str,
    outgoing: httpx2.AsyncClient,
    key_file: Path,
) -> Iterator[Asked]:
    fake.purchases[TOKEN] = BOUGHT
    yield Asked(fake, server, address, outgoing)
    fake.purchases.clear()
    fake.asked.clear()
    fake.access_tokens = 0
    fake.access_lasts_s = 3599
    server.faults.clear()


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
        "purchased, and named",
        "purchased by a tester",
        "purchased and used",
        "refunded in part",
        "cancelled",
        "pending",
        "refunded",
        "another product",
        "unknown",
    ],
)
async def test_purchased_product_proves_purchase(
    asked: Asked, purchase: dict[str, Any] | None, *, is_entitled: bool
) -> None:
    asked.fake.purchases = {} if purchase is None else {TOKEN: purchase}
    assert (await asked.verifier().find_purchase(TOKEN, NOW) is not None) == is_entitled


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
    asked: Asked, purchase: dict[str, Any], name: str
) -> None:
    asked.fake.purchases = {TOKEN: purchase}
    assert await asked.verifier().find_purchase(TOKEN, NOW) == Purchase.of(name)


@pytest.mark.parametrize("reason", ["rateLimitExceeded", "userRateLimitExceeded"])
async def test_rate_limit_with_status_403_is_a_pause(
    asked: Asked, caplog: pytest.LogCaptureFixture, reason: str
) -> None:
    verifier = asked.verifier()
    asked.server.faults += [refused(403, reason)]
    before = asked.server.calls
    for _ in range(2):
        with pytest.raises(DependencyUnavailable):
            await verifier.find_purchase(TOKEN, NOW)
    assert asked.server.calls - before == 1
    assert alarms(caplog) == []


async def test_purchase_of_other_product_is_rejected(
    asked: Asked,
) -> None:
    response = json.dumps({**BOUGHT, "productId": "tip"}).encode()
    asked.server.faults += [Fault(200, response)]
    assert not await asked.verifier().find_purchase(TOKEN, NOW)


async def test_package_and_product_are_configurable(asked: Asked) -> None:
    asked.fake.purchases[TOKEN] = {**BOUGHT, "productId": "lifetime"}
    assert await asked.verifier(product="lifetime").find_purchase(TOKEN, NOW)
    assert not await asked.verifier().find_purchase(TOKEN, NOW)


def refused(status: int, reason: str) -> Fault:
    return Fault(status, bytes(google.error(status, reason).body))


NO_PURCHASE = {
    "not found": refused(404, "purchaseTokenNotFound"),
    "not found, as documented": refused(404, "notFound"),
    "gone": refused(410, "purchaseTokenNoLongerValid"),
    "gone for too long": refused(410, "subscriptionPurchaseNoLongerAvailable"),
    "gone without a word": Fault(410),
    "invalid": refused(400, "invalid"),
    "invalid, as documented": refused(400, "invalidValue"),
    "of another product": refused(400, "purchaseTokenDoesNotMatchProductId"),
    "of another app": refused(400, "purchaseTokenDoesNotMatchPackageName"),
}


@pytest.mark.parametrize("fault", NO_PURCHASE.values(), ids=NO_PURCHASE)
async def test_token_rejected_by_google_proves_no_purchase(
    asked: Asked, caplog: pytest.LogCaptureFixture, fault: Fault
) -> None:
    asked.server.faults += [fault]
    assert not await asked.verifier().find_purchase(TOKEN, NOW)
    assert alarms(caplog) == []


OUR_MISTAKE = {
    "unknown application": refused(404, "applicationNotFound"),
    "no permission": refused(403, "permissionDenied"),
    "no permission for orders": refused(403, "userInsufficientPermission"),
    "project not linked": refused(403, "projectNotLinked"),
    "no access": refused(401, "authError"),
    "a part is missing": refused(400, "required"),
    "another address": Fault(404, HTML),
    "another method": Fault(405, HTML),
    "no reason": Fault(400, b'{"error": {"code": 400, "message": "..."}}'),
    "no list of reasons": Fault(400, b'{"error": {"errors": 400}}'),
    "a reason that is none": Fault(400, b'{"error": {"errors": [{"reason": ["invalid"]}]}}'),
    "an error in a word": Fault(400, b'{"error": "invalid_grant"}'),
}


def alarms(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [each.getMessage() for each in caplog.records if each.levelno == logging.ERROR]


@pytest.mark.parametrize("fault", OUR_MISTAKE.values(), ids=OUR_MISTAKE)
async def test_rejected_credentials_are_an_outage_with_alert(
    asked: Asked, caplog: pytest.LogCaptureFixture, fault: Fault
) -> None:
    asked.server.faults += [fault]
    with pytest.raises(DependencyUnavailable):
        await asked.verifier().find_purchase(TOKEN, NOW)
    [alarm] = alarms(caplog)
    assert alarm.startswith("Google Play")


async def test_unknown_package_is_an_outage_with_alert(
    asked: Asked, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(DependencyUnavailable):
        await asked.verifier(package="com.example.typo").find_purchase(TOKEN, NOW)
    assert alarms(caplog) == ["Google Play: the request is rejected (404)"]


ODD_TOKENS = {
    "a slash": "a/b",
    "the parent": "..",
    "itself": ".",
    "another's address": "../../tokens/x",
    "a way up": "a/../../b",
    "a query": "?x=1#y",
    "escapes": "a+b%2F c",
    "other scripts": "ü✓",
    "the longest": "x" * 2000,
}


@pytest.mark.parametrize("token", ODD_TOKENS.values(), ids=ODD_TOKENS)
async def test_token_cannot_change_the_path(asked: Asked, token: str) -> None:
    before = asked.server.calls
    assert not await asked.verifier().find_purchase(token, NOW)
    assert asked.fake.asked in ([], [token])  # as what it is, if at all
    assert asked.server.calls - before == len(asked.fake.asked)


async def test_token_may_contain_any_character(asked: Asked) -> None:
    token = "a/../b.-_~+%2F ?&#ü"  # noqa: S105 - opens nothing
    asked.fake.purchases[token] = BOUGHT
    assert await asked.verifier().find_purchase(token, NOW)


async def test_invalid_token_is_not_sent(asked: Asked) -> None:
    before = asked.server.calls
    assert not await asked.verifier().find_purchase("x" * 2001, NOW)
    assert asked.server.calls == before
    assert asked.fake.access_tokens == 0


async def test_access_token_is_reused(asked: Asked) -> None:
    verifier = asked.verifier()
    for _ in range(3):
        assert await verifier.find_purchase(TOKEN, NOW)
    assert asked.fake.access_tokens == 1


async def test_concurrent_verifications_share_access_token(asked: Asked) -> None:
    verifier = asked.verifier()
    responses = await asyncio.gather(*(verifier.find_purchase(TOKEN, NOW) for _ in range(20)))
    assert responses == [Purchase.of(TOKEN)] * 20
    assert asked.fake.access_tokens == 1


async def test_expired_access_token_is_replaced(asked: Asked) -> None:
    asked.fake.access_lasts_s = 10
    verifier = asked.verifier()
    assert await verifier.find_purchase(TOKEN, NOW)
    assert await verifier.find_purchase(TOKEN, NOW)
    assert asked.fake.access_tokens == 2


def replace(key_file: Path, content: str | None) -> None:
    key_file.unlink()
    if content is not None:
        key_file.write_text(content)


@pytest.mark.parametrize(
    "content",
    [None, "", "{", "{}", '{"type": "service_account"}'],
    ids=["missing", "empty", "broken", "nothing in it", "no key in it"],
)
async def test_missing_service_account_is_an_outage(
    asked: Asked, key_file: Path, caplog: pytest.LogCaptureFixture, content: str | None
) -> None:
    replace(key_file, content)
    before = asked.server.calls
    with pytest.raises(DependencyUnavailable):
        await asked.verifier().find_purchase(TOKEN, NOW)
    assert alarms(caplog) == ["Google Play: no access token: DefaultCredentialsError"]
    assert asked.server.calls == before


@pytest.fixture
def sign_in(fake: google.GooglePlay, key_file: Path) -> Iterator[Failing]:
    """A server of access tokens for one test: Google's library may go on asking after it."""
    failing = fake.sign_in_app()
    with served(failing) as address:
        sign_in_at(address, key_file)
        yield failing


def sign_in_at(address: str, key_file: Path) -> None:
    account = json.loads(key_file.read_text())
    key_file.write_text(json.dumps({**account, "token_uri": f"{address}/token"}))


SIGN_IN_OUTAGES = {
    "an error": Fault(500),
    "an outage": Fault(503, HTML),
    "silence": Fault(is_silent=True),
    "a cut connection": Fault(is_cut=True),
}


@pytest.mark.parametrize("fault", SIGN_IN_OUTAGES.values(), ids=SIGN_IN_OUTAGES)
async def test_sign_in_outage_causes_no_alert(
    asked: Asked, sign_in: Failing, caplog: pytest.LogCaptureFixture, fault: Fault
) -> None:
    sign_in.faults += [fault] * 20
    before = asked.server.calls
    # Google's library waits for seconds before it sends a failed request again.
    verifier = asked.verifier(timeout_s=0.2)
    for _ in range(2):
        with pytest.raises(DependencyUnavailable):
            await verifier.find_purchase(TOKEN, NOW)
    assert asked.server.calls == before
    lines = [each for each in caplog.records if each.name == "shared.purchases.provider_api"]
    assert [each.levelno for each in lines] == [logging.WARNING] * 2
    assert all(each.getMessage().startswith("Google Play: no access token") for each in lines)


NOT_SIGNED_IN = {
    "a key that was deleted": Fault(400, b'{"error": "invalid_grant"}'),
    "an account that may not": Fault(401, b'{"error": "unauthorized_client"}'),
    "nothing": Fault(200, b"{}"),
    "no JSON": Fault(200, HTML),
    "no JSON object": Fault(200, b"[]"),
    "no time": Fault(200, b'{"access_token": "x", "expires_in": "soon"}'),
}


@pytest.mark.parametrize("fault", NOT_SIGNED_IN.values(), ids=NOT_SIGNED_IN)
async def test_sign_in_rejection_is_an_alert(
    asked: Asked, sign_in: Failing, caplog: pytest.LogCaptureFixture, fault: Fault
) -> None:
    sign_in.faults += [fault] * 20
    before = asked.server.calls
    verifier = asked.verifier()
    for _ in range(2):
        with pytest.raises(DependencyUnavailable):
            await verifier.find_purchase(TOKEN, NOW)
    assert asked.server.calls == before
    assert len(alarms(caplog)) == 2
    assert all(each.startswith("Google Play: no access token") for each in alarms(caplog))


async def test_callers_waiting_for_sign_in_time_out(asked: Asked, sign_in: Failing) -> None:
    sign_in.faults += [Fault(is_silent=True)] * 20
    verifier = asked.verifier(timeout_s=0.2)
    async with asyncio.timeout(50):  # The silent server ends a request after 60 s.
        responses = await asyncio.gather(
            *(verifier.find_purchase(TOKEN, NOW) for _ in range(20)), return_exceptions=True
        )
    assert {type(response) for response in responses} == {DependencyUnavailable}


async def test_failed_sign_in_is_retried_by_next_request(asked: Asked, sign_in: Failing) -> None:
    sign_in.faults += [Fault(400, b'{"error": "invalid_grant"}')]
    verifier = asked.verifier()
    with pytest.raises(DependencyUnavailable):
        await verifier.find_purchase(TOKEN, NOW)
    assert await verifier.find_purchase(TOKEN, NOW)


async def test_unreachable_token_server_is_an_outage(asked: Asked, key_file: Path) -> None:
    sign_in_at("http://127.0.0.1:1", key_file)
    with pytest.raises(DependencyUnavailable):
        await asked.verifier().find_purchase(TOKEN, NOW)
