"""What is remembered of a store's answers, in this process and in others."""

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import uuid4

import pytest
from google.cloud.firestore_v1.base_document import DocumentSnapshot

from scripts.local.round_trips import RoundTrips
from shared.errors import DependencyUnavailable
from shared.purchases.authenticator import Purchase
from shared.purchases.cached_verifier import CachedVerifier
from shared.purchases.settings import PurchaseSettings
from shared.store.data_model import VERIFICATIONS
from shared.store.database import Database
from shared.store.settings import DatabaseSettings
from shared.store.verifications import Verification, Verifications

NOW = datetime(2026, 11, 23, tzinfo=UTC)
SECOND, MINUTE, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(days=1)
SETTINGS = PurchaseSettings(good_s=1800, refused_s=60, trusted_s=86_400)


PURCHASE = Purchase.of("SECRET-purchase-id")


@dataclass
class Shop:
    """A purchase store that returns or raises `answers`, and counts its calls."""

    answers: Purchase | DependencyUnavailable | None = PURCHASE
    asked: list[str] = field(default_factory=list)

    async def find_purchase(self, token: str, _now: datetime) -> Purchase | None:
        self.asked.append(token)
        await asyncio.sleep(0)
        if isinstance(self.answers, DependencyUnavailable):
            raise self.answers
        return self.answers


DOWN = DependencyUnavailable("the shop", 17)


@pytest.fixture
def shop() -> Shop:
    return Shop()


@pytest.fixture
def token() -> str:
    return f"SECRET-{uuid4()}"


def instance(shop: Shop, database: Database) -> CachedVerifier:
    """Return a process of its own, as far as memory goes."""
    return CachedVerifier("Google", shop, Verifications(database), SETTINGS)


async def test_a_hundred_requests_at_once_ask_the_store_once(
    shop: Shop, database: Database, token: str
) -> None:
    remembered = instance(shop, database)
    answers = await asyncio.gather(*(remembered.find_purchase(token, NOW) for _ in range(100)))
    assert answers == [PURCHASE] * 100
    assert await remembered.find_purchase(token, NOW + 29 * MINUTE)
    assert shop.asked == [token]


async def test_another_instance_does_not_ask_the_store(
    shop: Shop, database: Database, token: str
) -> None:
    await instance(shop, database).find_purchase(token, NOW)
    other = instance(shop, database)
    assert await other.find_purchase(token, NOW + 29 * MINUTE) == PURCHASE
    assert len(shop.asked) == 1
    # What the first one learned is not young for ever.
    assert await other.find_purchase(token, NOW + 30 * MINUTE)
    assert len(shop.asked) == 2


async def test_a_remembered_answer_costs_no_round_trip(shop: Shop, token: str) -> None:
    trips = RoundTrips()
    remembered = instance(shop, Database(DatabaseSettings(), trips.interceptors))
    with trips.counted() as calls:
        await remembered.find_purchase(token, NOW)
    assert calls == ["BatchGetDocuments", "Commit"]
    with trips.counted() as calls:
        await remembered.find_purchase(token, NOW + MINUTE)
    assert calls == []


async def test_a_refusal_is_remembered_for_a_minute_and_by_nobody_else(
    shop: Shop, database: Database, token: str
) -> None:
    shop.answers = None
    remembered = instance(shop, database)
    assert not await remembered.find_purchase(token, NOW)
    assert not await remembered.find_purchase(token, NOW + 59 * SECOND)
    assert len(shop.asked) == 1
    assert not (await document(database, token)).exists
    shop.answers = PURCHASE
    assert await remembered.find_purchase(token, NOW + 60 * SECOND)


async def test_while_the_store_is_down_who_was_good_within_a_day_stays_good(
    shop: Shop, database: Database, token: str
) -> None:
    remembered = instance(shop, database)
    await remembered.find_purchase(token, NOW)
    shop.answers = DOWN
    for asked in (remembered, instance(shop, database)):
        assert await asked.find_purchase(token, NOW + DAY - SECOND) == PURCHASE
        with pytest.raises(DependencyUnavailable):
            await asked.find_purchase(token, NOW + DAY + MINUTE)


async def test_a_store_that_is_down_is_not_asked_by_every_request(
    shop: Shop, database: Database, token: str
) -> None:
    remembered = instance(shop, database)
    await remembered.find_purchase(token, NOW)
    shop.answers = DOWN
    later = NOW + 31 * MINUTE
    for second in (0, 5, 16):
        assert await remembered.find_purchase(token, later + second * SECOND)
    assert len(shop.asked) == 2
    shop.answers = None  # it is back, and the purchase was refunded meanwhile
    assert not await remembered.find_purchase(token, later + 17 * SECOND)


async def test_while_the_store_is_down_nobody_can_tell_about_a_stranger(
    shop: Shop, database: Database, token: str
) -> None:
    shop.answers = DOWN
    remembered = instance(shop, database)
    with pytest.raises(DependencyUnavailable) as caught:
        await remembered.find_purchase(token, NOW)
    assert caught.value.retry_after_s == 17
    shop.answers = PURCHASE
    assert await remembered.find_purchase(token, NOW + SECOND)


async def test_a_purchase_that_was_taken_back_is_forgotten_everywhere(
    shop: Shop, database: Database, token: str
) -> None:
    remembered = instance(shop, database)
    await remembered.find_purchase(token, NOW)
    shop.answers = None
    assert not await remembered.find_purchase(token, NOW + 31 * MINUTE)
    assert not (await document(database, token)).exists
    shop.answers = DOWN
    for asked in (remembered, instance(shop, database)):
        with pytest.raises(DependencyUnavailable):
            await asked.find_purchase(token, NOW + 33 * MINUTE)


async def test_a_caller_who_hangs_up_does_not_take_the_answer_with_them(
    shop: Shop, database: Database, token: str
) -> None:
    remembered = instance(shop, database)
    first = asyncio.create_task(remembered.find_purchase(token, NOW))
    await asyncio.sleep(0)
    second = asyncio.create_task(remembered.find_purchase(token, NOW))
    await asyncio.sleep(0)
    first.cancel()
    assert await second
    assert len(shop.asked) == 1


async def test_without_firestore_the_store_itself_is_asked(shop: Shop, token: str) -> None:
    nowhere = DatabaseSettings(emulator_host="127.0.0.1:9", retry_for_s=0.1, attempt_timeout_s=5)
    remembered = instance(shop, Database(nowhere))
    assert await remembered.find_purchase(token, NOW)
    assert await remembered.find_purchase(token, NOW + MINUTE)
    assert len(shop.asked) == 1
    shop.answers = DOWN
    assert await remembered.find_purchase(token, NOW + 31 * MINUTE)


async def test_only_a_hash_of_the_token_is_stored(
    shop: Shop, database: Database, token: str
) -> None:
    await instance(shop, database).find_purchase(token, NOW)
    stored = await document(database, token)
    assert stored.to_dict() == {
        "verified_at": NOW,
        "purchase_sha256": PURCHASE.sha256,
        "expires_at": NOW + DAY,
    }
    assert token not in stored.id


def key_of(token: str) -> str:
    return f"google-{sha256(token.encode()).hexdigest()}"


async def document(database: Database, token: str) -> DocumentSnapshot[Any]:
    return await database.document(VERIFICATIONS, key_of(token)).get()


@pytest.fixture
async def old_document(database: Database, token: str) -> None:
    """A confirmation that the previous version stored at `NOW`, without the purchase."""
    document = database.document(VERIFICATIONS, key_of(token))
    await document.set({"verified_at": NOW, "expires_at": NOW + DAY})


@pytest.mark.usefixtures("old_document")
async def test_old_document_causes_a_new_verification(
    shop: Shop, database: Database, token: str
) -> None:
    remembered = instance(shop, database)
    assert await remembered.find_purchase(token, NOW + MINUTE) == PURCHASE
    assert shop.asked == [token]
    assert (await document(database, token)).get("purchase_sha256") == PURCHASE.sha256


@pytest.mark.usefixtures("old_document")
async def test_old_document_passes_by_its_token_in_an_outage(
    shop: Shop, database: Database, token: str
) -> None:
    shop.answers = DOWN
    remembered = instance(shop, database)
    assert await remembered.find_purchase(token, NOW + MINUTE) == Purchase.of(token)
    with pytest.raises(DependencyUnavailable):
        await instance(shop, database).find_purchase(token, NOW + DAY)
    shop.answers = PURCHASE
    after_pause = NOW + MINUTE + 17 * SECOND
    assert await remembered.find_purchase(token, after_pause) == PURCHASE


@pytest.mark.usefixtures("old_document")
async def test_refund_deletes_an_old_document(shop: Shop, database: Database, token: str) -> None:
    shop.answers = None
    assert await instance(shop, database).find_purchase(token, NOW + MINUTE) is None
    assert not (await document(database, token)).exists


class Sulking(Verifications):
    """Can be read, but not written."""

    async def put(self, *_: object) -> None:
        raise DependencyUnavailable("the store", 5)

    async def delete(self, *_: object) -> None:
        raise DependencyUnavailable("the store", 5)


async def test_what_others_cannot_be_told_is_remembered_here(
    shop: Shop, database: Database, token: str
) -> None:
    remembered = CachedVerifier("Google", shop, Sulking(database), SETTINGS)
    assert await remembered.find_purchase(token, NOW)
    shop.answers = None
    assert not await remembered.find_purchase(token, NOW + 31 * MINUTE)
    assert not await remembered.find_purchase(token, NOW + 31 * MINUTE)
    assert len(shop.asked) == 2


class Slow:
    """A shop that takes many calls, none of which takes too long."""

    async def find_purchase(self, _token: str, _now: datetime) -> Purchase | None:
        for _ in range(1000):
            await asyncio.sleep(0.01)
        return PURCHASE


async def test_a_verification_is_bounded_however_many_calls_it_takes(
    database: Database, token: str
) -> None:
    hasty = SETTINGS.model_copy(update={"timeout_s": 0.1})
    remembered = CachedVerifier("Google", Slow(), Verifications(database), hasty)
    async with asyncio.timeout(20):
        with pytest.raises(DependencyUnavailable):
            await remembered.find_purchase(token, NOW)


class Counted(Verifications):
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


async def test_store_gets_at_most_16_made_up_tokens_at_once(database: Database) -> None:
    class Crowded:
        now = most = 0

        async def find_purchase(self, _token: str, _now: datetime) -> None:
            self.now += 1
            self.most = max(self.most, self.now)
            await may_answer.wait()
            self.now -= 1

    shop, verifications, may_answer = Crowded(), Counted(database), asyncio.Event()
    unhurried = SETTINGS.model_copy(update={"timeout_s": 60})
    remembered = CachedVerifier("Google", shop, verifications, unhurried)
    asking = asyncio.gather(*(remembered.find_purchase(str(uuid4()), NOW) for _ in range(60)))
    await verifications.all_read.wait()
    for _ in range(20):  # After its read a request reaches the limit in a few steps of the loop.
        await asyncio.sleep(0)
    assert shop.now == 16
    may_answer.set()
    assert await asking == [None] * 60
    assert shop.most == 16
