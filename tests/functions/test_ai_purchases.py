"""Rate limits per purchase, and failures of purchase providers.

Source: contract, headings "AI" and "Purchase tokens".
"""

import logging
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from uuid import uuid4

import httpx
import httpx2
import pytest

from functions.ai.handlers import AiHandlers
from scripts.fakes import revenuecat
from scripts.fakes.apple import AppStore, Authority, a_purchase, as_receipt, other_signature
from scripts.fakes.openai import OpenAi
from scripts.fakes.revenuecat import Entitlement
from shared.clients.secrets import Secrets
from shared.clients.settings import SecretSettings
from shared.limits.rate_limits import RateLimits
from shared.limits.settings import RateLimitSettings
from shared.planner.model import Model
from shared.planner.plans import Planner
from shared.planner.settings import ModelSettings
from shared.purchases.apple import Apple
from shared.purchases.apple_settings import AppleSettings
from shared.purchases.authenticator import PurchaseProvider
from shared.purchases.cached_verifier import CachedVerifier
from shared.purchases.revenuecat import RevenueCat, RevenueCatSettings
from shared.purchases.settings import PurchaseSettings
from shared.store.database import Database
from shared.store.quotas import Quotas
from shared.store.verifications import Verifications
from shared.web.app import build_app
from tests.caller_auth import caller_auth
from tests.fakes import SHARED_SECRET, RunningFake
from tests.functions.test_ai import SESSION
from tests.functions.test_general import assert_problem

LIMIT = 4


@dataclass
class Ai:
    """The routes of `ai` in this process, with local purchase providers and model."""

    app_store: AppStore
    authority: Authority
    revenuecat: revenuecat.RevenueCat
    http: httpx.AsyncClient

    async def post(self, token: str) -> httpx.Response:
        headers = {"Authorization": token}
        return await self.http.post("/v2/ai/session", json={"attributes": SESSION}, headers=headers)

    async def statuses(self, tokens: list[str]) -> Counter[int]:
        return Counter([(await self.post(token)).status_code for token in tokens])


@pytest.fixture
def receipt() -> str:
    return as_receipt(uuid4().bytes)


@pytest.fixture
async def ai(
    fake_app_store: RunningFake[AppStore],
    fake_revenuecat: RunningFake[revenuecat.RevenueCat],
    fake_openai: RunningFake[OpenAi],
    outgoing: httpx2.AsyncClient,
    database: Database,
) -> AsyncIterator[Ai]:
    authority, secrets = Authority(), Secrets(SecretSettings())
    apple_settings = {
        "shared_secret": SHARED_SECRET,
        "receipt_url": f"{fake_app_store.url}/verifyReceipt",
    }
    revenuecat_settings = {
        "api_key": revenuecat.KEY,
        "project": revenuecat.PROJECT,
        "entitlement": revenuecat.ENTITLEMENT,
        "url": fake_revenuecat.url,
    }
    model_settings = {"api_key": "any", "base_url": f"{fake_openai.url}/v1", "model": "any"}
    providers: dict[str, PurchaseProvider] = {
        "Apple": Apple(
            AppleSettings.model_validate(apple_settings),
            secrets,
            outgoing,
            20,
            [authority.root],
        ),
        "RevenueCat": RevenueCat(
            RevenueCatSettings.model_validate(revenuecat_settings), secrets, outgoing, 20
        ),
    }
    verifications, settings = Verifications(database), PurchaseSettings()
    auth = caller_auth(
        {
            name: CachedVerifier(name, each, verifications, settings)
            for name, each in providers.items()
        }
    )
    limits = RateLimits("ai", LIMIT, LIMIT, Quotas(database), RateLimitSettings())
    planner = Planner(Model(ModelSettings.model_validate(model_settings), secrets, outgoing), 120)
    app = build_app(AiHandlers(auth, limits, planner).routes())
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://ai") as http:
        yield Ai(fake_app_store.fake, authority, fake_revenuecat.fake, http)


async def test_tokens_of_apple_purchase_share_limit(ai: Ai, receipt: str) -> None:
    original = str(uuid4().int)
    signed = ai.authority.sign(originalTransactionId=original)
    ai.app_store.receipts[receipt] = [a_purchase(original_transaction_id=original)]
    tokens = [
        signed,
        other_signature(signed),
        ai.authority.sign(originalTransactionId=original),
        ai.authority.sign(originalTransactionId=original, transactionId=str(uuid4().int)),
        receipt,
    ]
    assert len(set(tokens)) == 5
    expected = Counter({200: LIMIT, 429: 2 * len(tokens) - LIMIT})
    assert await ai.statuses([f"Apple {each}" for each in tokens * 2]) == expected


async def test_other_spelling_of_signature_is_rejected(ai: Ai) -> None:
    signed = ai.authority.sign(originalTransactionId=str(uuid4().int))
    spellings = [f"{signed}==", f"{signed}=", f"{signed}!", f"{signed[:-9]} {signed[-9:]}"]
    assert await ai.statuses([f"Apple {each}" for each in spellings]) == {401: 4}
    assert (await ai.post(f"Apple {signed}")).status_code == 200


async def test_apple_purchases_have_separate_limits(ai: Ai) -> None:
    for _ in range(2):
        token = f"Apple {ai.authority.sign(originalTransactionId=str(uuid4().int))}"
        assert await ai.statuses([token] * (LIMIT + 1)) == {200: LIMIT, 429: 1}


async def test_spellings_of_customer_share_limit(ai: Ai) -> None:
    customer = f"{revenuecat.SUBSCRIBER}-{uuid4()}"
    tokens = [
        f"RevenueCat {customer}",
        f"Bearer revenuecat {customer}",
        f"REVENUECAT   {customer}",
    ]
    assert await ai.statuses(tokens * 2) == {200: LIMIT, 429: 6 - LIMIT}


async def test_customers_with_similar_ids_have_separate_limits(ai: Ai) -> None:
    customer = f"{revenuecat.SUBSCRIBER}-{uuid4()}"
    for each in (f"{customer}a", f"{customer}A", f"{customer}%61", f"{customer} a"):
        token = f"RevenueCat {each}"
        assert await ai.statuses([token] * (LIMIT + 1)) == {200: LIMIT, 429: 1}


async def test_entitlement_in_grace_period_is_accepted(
    ai: Ai, monkeypatch: pytest.MonkeyPatch
) -> None:
    over = [Entitlement(expires_at=1_700_000_000_000)]
    monkeypatch.setattr(ai.revenuecat, "entitlements_of", lambda _customer: over)
    assert (await ai.post(f"RevenueCat {uuid4()}")).status_code == 200


@pytest.mark.parametrize("status", [21002, 21005, 21009, 21100, 21199])
async def test_transient_receipt_status_returns_503(
    ai: Ai, receipt: str, caplog: pytest.LogCaptureFixture, status: int
) -> None:
    ai.app_store.receipts[receipt] = {"status": status, "is-retryable": True}
    response = await ai.post(f"Apple {receipt}")
    assert_problem(response, 503)
    assert response.headers["retry-after"] == "30"
    assert max(each.levelno for each in caplog.records) == logging.WARNING
