"""App Store receipts, verified by a fake `verifyReceipt`."""

import json
import logging
from base64 import b64encode
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest

from scripts.fakes.apple import AppStore, a_purchase, as_receipt
from scripts.fakes.faults import Fault
from shared.clients.secrets import Secrets
from shared.clients.settings import SecretSettings
from shared.errors import DependencyUnavailable
from shared.purchases.apple import Apple
from shared.purchases.apple_settings import AppleSettings
from shared.purchases.authenticator import Purchase
from tests.fakes import SHARED_SECRET, RunningFake

NOW = datetime(2026, 11, 23, tzinfo=UTC)
RECEIPT = as_receipt(b"a receipt")
OTHER_SPELLING = as_receipt(b"a receipt!").replace("IQ==", "IR==")


def ms(at: datetime) -> str:
    return str(int(at.timestamp() * 1000))


class Environment:
    """A fake of the App Store's production or sandbox environment."""

    def __init__(self, running: RunningFake[AppStore]) -> None:
        self.fake = running.fake
        self.server = running.server

    def respond(self, response: int | list[dict[str, Any]] | dict[str, Any]) -> None:
        """Set the response for the receipt."""
        self.fake.receipts = {RECEIPT: response}

    def respond_once(self, response: dict[str, Any]) -> None:
        """Set the response to the next request only."""
        self.server.faults += [Fault(200, json.dumps(response).encode())]


@dataclass
class Harness:
    """Both fake environments, and providers that call them."""

    production: Environment
    sandbox: Environment
    settings: AppleSettings
    http: httpx2.AsyncClient

    def provider(self, **settings: object) -> Apple:
        chosen = self.settings.model_copy(update=settings)
        return Apple(chosen, Secrets(SecretSettings()), self.http, timeout_s=20)

    @property
    def calls(self) -> tuple[int, int]:
        """The calls to production and to the sandbox in this test."""
        return self.production.server.calls, self.sandbox.server.calls


@pytest.fixture
def harness(
    fake_app_store: RunningFake[AppStore],
    fake_sandbox: RunningFake[AppStore],
    outgoing: httpx2.AsyncClient,
) -> Harness:
    settings = AppleSettings.model_validate(
        {
            "shared_secret": SHARED_SECRET,
            "receipt_url": f"{fake_app_store.url}/verifyReceipt",
            "sandbox_receipt_url": f"{fake_sandbox.url}/verifyReceipt",
        }
    )
    return Harness(Environment(fake_app_store), Environment(fake_sandbox), settings, outgoing)


def errors(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [each.getMessage() for each in caplog.records if each.levelno == logging.ERROR]


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    own = [each for each in caplog.records if each.name == "shared.purchases.provider_api"]
    return [each.getMessage() for each in own if each.levelno == logging.WARNING]


@pytest.mark.parametrize(
    ("purchases", "is_entitled"),
    [
        ([a_purchase()], True),
        ([a_purchase(quantity="3")], True),
        ([a_purchase(quantity=1)], True),
        ([a_purchase(product_id="tip"), a_purchase()], True),
        ([a_purchase(cancellation_date_ms=ms(NOW)), a_purchase()], True),
        ([a_purchase(expires_date_ms=ms(NOW + timedelta(seconds=1)))], True),
        ([a_purchase(expires_date_ms=ms(NOW))], False),
        ([a_purchase(expires_date_ms=ms(NOW - timedelta(days=1)))], False),
        ([a_purchase(expires_date_ms="soon")], False),
        ([], False),
        ([a_purchase(product_id="tip")], False),
        ([a_purchase(product_id=None)], False),
        ([a_purchase(in_app_ownership_type="FAMILY_SHARED")], False),
        ([a_purchase(in_app_ownership_type=None)], False),
        ([a_purchase(quantity="0")], False),
        ([a_purchase(quantity="-1")], False),
        ([a_purchase(quantity="x")], False),
        ([a_purchase(quantity=None)], False),
        ([a_purchase(cancellation_date_ms=ms(NOW - timedelta(days=1)))], False),
        ([a_purchase(cancellation_date="2026-11-01 10:00:00 Etc/GMT")], False),
    ],
    ids=[
        "one",
        "three",
        "quantity as a number",
        "two products",
        "refunded, and bought again",
        "a subscription",
        "a subscription that ends now",
        "a subscription that has ended",
        "a subscription with an invalid end",
        "nothing",
        "another product",
        "no product",
        "shared by family",
        "of nobody",
        "quantity 0",
        "negative quantity",
        "no number",
        "no quantity",
        "refunded",
        "refunded, with a date",
    ],
)
async def test_receipt_for_product_proves_purchase(
    harness: Harness, purchases: list[dict[str, Any]], *, is_entitled: bool
) -> None:
    harness.production.respond(purchases)
    assert (await harness.provider().find_purchase(RECEIPT, NOW) is not None) == is_entitled
    assert harness.calls == (1, 0)


async def test_purchase_without_quantity_is_ignored(harness: Harness) -> None:
    purchase = a_purchase()
    del purchase["quantity"]
    harness.production.respond([purchase])
    assert not await harness.provider().find_purchase(RECEIPT, NOW)


def contents(**changes: object) -> dict[str, object]:
    """Return the response for a receipt without purchases, with `changes`."""
    receipt = {"bundle_id": "com.limajuice.liftlog", "in_app": []}
    return {"status": 0, "environment": "Production", "receipt": receipt, **changes}


@pytest.mark.parametrize("place", ["in_app", "latest_receipt_info"])
async def test_purchase_is_found_in_either_list(harness: Harness, place: str) -> None:
    receipt = {"bundle_id": "com.limajuice.liftlog", "in_app": []}
    if place == "in_app":
        harness.production.respond(contents(receipt={**receipt, "in_app": [a_purchase()]}))
    else:
        harness.production.respond(contents(latest_receipt_info=[a_purchase()]))
    assert await harness.provider().find_purchase(RECEIPT, NOW)


@pytest.mark.parametrize(
    "receipt",
    [
        {"bundle_id": "com.example.other", "in_app": [a_purchase()]},
        {"in_app": [a_purchase()]},
        {"bundle_id": "com.limajuice.liftlog"},
        {"bundle_id": "com.limajuice.liftlog", "in_app": None},
        {"bundle_id": "com.limajuice.liftlog", "in_app": ["pro"]},
    ],
    ids=["of another app", "of no app", "of no purchase", "of null", "of a word"],
)
async def test_receipt_for_other_product_is_rejected(
    harness: Harness, receipt: dict[str, Any]
) -> None:
    harness.production.respond(contents(receipt=receipt))
    assert not await harness.provider().find_purchase(RECEIPT, NOW)


async def test_bundle_and_product_are_configurable(harness: Harness) -> None:
    harness.production.respond([a_purchase(product_id="lifetime")])
    assert await harness.provider(product="lifetime").find_purchase(RECEIPT, NOW)
    assert not await harness.provider().find_purchase(RECEIPT, NOW)
    other = harness.provider(product="lifetime", bundle_id="com.example.other")
    assert not await other.find_purchase(RECEIPT, NOW)


@pytest.mark.parametrize(
    ("purchases", "is_entitled"),
    [([a_purchase()], True), ([], False)],
    ids=["of the product", "of nothing"],
)
async def test_sandbox_receipt_is_sent_to_sandbox(
    harness: Harness, purchases: list[dict[str, Any]], *, is_entitled: bool
) -> None:
    harness.production.respond(21007)
    harness.sandbox.respond(purchases)
    assert (await harness.provider().find_purchase(RECEIPT, NOW) is not None) == is_entitled
    assert harness.calls == (1, 1)


async def test_sandbox_receipts_can_be_rejected(harness: Harness) -> None:
    harness.production.respond(21007)
    harness.sandbox.respond([a_purchase()])
    assert not await harness.provider(allow_sandbox=False).find_purchase(RECEIPT, NOW)
    assert harness.calls == (1, 0)


async def test_production_receipt_is_not_sent_to_sandbox(harness: Harness) -> None:
    harness.production.respond([a_purchase()])
    harness.sandbox.respond(21008)
    assert await harness.provider().find_purchase(RECEIPT, NOW)
    assert harness.calls == (1, 0)


async def test_pause_of_sandbox_does_not_pause_production(harness: Harness) -> None:
    provider = harness.provider()
    harness.production.respond(21007)
    harness.sandbox.server.faults += [Fault(429, headers={"Retry-After": "600"})]
    with pytest.raises(DependencyUnavailable):
        await provider.find_purchase(RECEIPT, NOW)
    harness.production.respond([a_purchase()])
    assert await provider.find_purchase(RECEIPT, NOW)


@pytest.mark.parametrize("status", [21003, 21006, 21010])
async def test_status_without_purchase_rejects_receipt(
    harness: Harness, caplog: pytest.LogCaptureFixture, status: int
) -> None:
    harness.production.respond(status)
    assert not await harness.provider().find_purchase(RECEIPT, NOW)
    assert harness.calls == (1, 0)
    assert errors(caplog) == []


TRANSIENT_STATUSES = [21005, 21009, 21100, 21150, 21199]
ALERTS = [21000, 21001, 21008, 21099, 21200, 29999, -1, 1, 503]


@pytest.mark.parametrize("is_retryable", [True, False, None])
@pytest.mark.parametrize("status", TRANSIENT_STATUSES)
async def test_transient_status_is_an_outage_without_an_alert(
    harness: Harness, caplog: pytest.LogCaptureFixture, status: int, *, is_retryable: bool | None
) -> None:
    harness.production.respond({"status": status, "is-retryable": is_retryable})
    with pytest.raises(DependencyUnavailable):
        await harness.provider().find_purchase(RECEIPT, NOW)
    assert harness.calls == (1, 0)
    assert warnings(caplog) == [f"the App Store: status {status}"]
    assert errors(caplog) == []


@pytest.mark.parametrize("status", ALERTS)
async def test_unexpected_status_is_an_outage_with_alert(
    harness: Harness, caplog: pytest.LogCaptureFixture, status: int
) -> None:
    harness.production.respond(status)
    with pytest.raises(DependencyUnavailable):
        await harness.provider().find_purchase(RECEIPT, NOW)
    assert harness.calls == (1, 0)
    assert errors(caplog) == [f"the App Store: status {status}"]


@pytest.mark.parametrize("status", [*TRANSIENT_STATUSES, *ALERTS, 21002, 21004, 21007])
async def test_sandbox_statuses_have_the_same_log_levels(
    harness: Harness, caplog: pytest.LogCaptureFixture, status: int
) -> None:
    harness.production.respond(21007)
    harness.sandbox.respond(status)
    with pytest.raises(DependencyUnavailable):
        await harness.provider().find_purchase(RECEIPT, NOW)
    assert harness.calls[0] == 1
    [entry] = warnings(caplog) if status in {21002, *TRANSIENT_STATUSES} else errors(caplog)
    assert entry.startswith(f"the App Store's sandbox: status {status}")


async def test_status_21002_is_retried(harness: Harness) -> None:
    harness.production.respond_once({"status": 21002})
    harness.production.respond([a_purchase()])
    assert await harness.provider().find_purchase(RECEIPT, NOW)
    assert harness.calls == (2, 0)


async def test_status_21002_is_retried_for_sandbox_receipt(harness: Harness) -> None:
    harness.production.respond_once({"status": 21002})
    harness.production.respond(21007)
    harness.sandbox.respond_once({"status": 21002})
    harness.sandbox.respond([a_purchase()])
    assert await harness.provider().find_purchase(RECEIPT, NOW)
    assert harness.calls == (2, 2)


async def test_status_21002_twice_is_an_outage_without_an_alert(
    harness: Harness, caplog: pytest.LogCaptureFixture
) -> None:
    harness.production.respond(21002)
    with pytest.raises(DependencyUnavailable):
        await harness.provider().find_purchase(RECEIPT, NOW)
    assert harness.calls == (2, 0)
    assert warnings(caplog) == ["the App Store: status 21002"]
    assert errors(caplog) == []


def with_original_id(original_id: object, **changes: object) -> dict[str, Any]:
    return a_purchase(original_transaction_id=original_id, **changes)


@pytest.mark.parametrize(
    ("purchases", "counted"),
    [
        ([with_original_id("17")], "17"),
        ([with_original_id("17"), with_original_id("17", transaction_id="18")], "17"),
        ([with_original_id("100"), with_original_id("99")], "99"),
        ([with_original_id("99"), with_original_id("100")], "99"),
        (
            [
                with_original_id("5", product_id="tip"),
                with_original_id("6", quantity="0"),
                with_original_id("17"),
            ],
            "17",
        ),
        ([with_original_id("5", cancellation_date_ms=ms(NOW)), with_original_id("17")], "17"),
        ([with_original_id("5", expires_date_ms=ms(NOW)), with_original_id("17")], "17"),
    ],
    ids=[
        "one",
        "restored",
        "the older one last",
        "the older one first",
        "after another product",
        "after a refund",
        "after a subscription",
    ],
)
async def test_oldest_valid_purchase_identifies_receipt(
    harness: Harness, purchases: list[dict[str, Any]], counted: str
) -> None:
    harness.production.respond(purchases)
    purchase = await harness.provider().find_purchase(RECEIPT, NOW)
    assert purchase == Purchase.of(f"Production {counted}")


async def test_sandbox_and_production_ids_are_distinct(harness: Harness) -> None:
    harness.production.respond([with_original_id("17")])
    of_production = await harness.provider().find_purchase(RECEIPT, NOW)
    harness.production.respond(21007)
    harness.sandbox.respond([with_original_id("17")])
    of_sandbox = await harness.provider().find_purchase(RECEIPT, NOW)
    assert of_sandbox == Purchase.of("Sandbox 17")
    assert of_production != of_sandbox


@pytest.mark.parametrize("original_id", [None, "", 17], ids=["null", "empty", "a number"])
async def test_purchase_without_an_original_id_is_an_alert(
    harness: Harness, caplog: pytest.LogCaptureFixture, original_id: object
) -> None:
    harness.production.respond([with_original_id("17"), with_original_id(original_id)])
    with pytest.raises(DependencyUnavailable):
        await harness.provider().find_purchase(RECEIPT, NOW)
    assert errors(caplog) == ["the App Store: a purchase has no original transaction id"]


async def test_rejected_shared_secret_is_an_outage_with_alert(
    harness: Harness, caplog: pytest.LogCaptureFixture
) -> None:
    harness.production.respond([a_purchase()])
    provider = harness.provider(
        shared_secret=AppleSettings.model_validate({"shared_secret": "SECRET-typo"}).shared_secret
    )
    with pytest.raises(DependencyUnavailable):
        await provider.find_purchase(RECEIPT, NOW)
    assert errors(caplog) == ["the App Store: status 21004: our shared secret is rejected"]


async def test_missing_shared_secret_is_an_outage(
    harness: Harness, caplog: pytest.LogCaptureFixture
) -> None:
    harness.production.respond([a_purchase()])
    with pytest.raises(DependencyUnavailable):
        await harness.provider(shared_secret=None).find_purchase(RECEIPT, NOW)
    assert errors(caplog) == ["the setting APPLE_SHARED_SECRET is missing"]
    assert harness.calls == (0, 0)


@pytest.mark.parametrize(
    "response",
    [{}, {"status": None}, {"status": "0"}, {"status": 0}, contents(receipt=None)],
    ids=["nothing", "null", "text", "no receipt", "null for a receipt"],
)
async def test_incomplete_response_is_an_outage(harness: Harness, response: dict[str, Any]) -> None:
    harness.production.respond(response)
    with pytest.raises(DependencyUnavailable):
        await harness.provider().find_purchase(RECEIPT, NOW)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "not a receipt!",
        "Zürich",
        RECEIPT[:-1],
        RECEIPT + "\n",
        b64encode(b'{"signature": "0"}').decode(),
        b64encode(b"").decode(),
        b64encode(b"\x30\x82\x12\x34 a receipt").decode(),
        OTHER_SPELLING,
        f"{RECEIPT}.{RECEIPT}",
        f"{RECEIPT}.{RECEIPT}.{RECEIPT}.{RECEIPT}",
    ],
    ids=[
        "empty",
        "not base64",
        "not ASCII",
        "cut off",
        "with a line break",
        "not a DER sequence",
        "nothing",
        "not signed data",
        "another spelling",
        "two parts",
        "four parts",
    ],
)
async def test_text_that_is_not_a_receipt_is_not_sent(harness: Harness, text: str) -> None:
    harness.production.respond([a_purchase()])
    assert not await harness.provider().find_purchase(text, NOW)
    assert harness.calls == (0, 0)
