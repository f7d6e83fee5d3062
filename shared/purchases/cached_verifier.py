"""What purchase stores have answered, remembered: they are slow, limited, and sometimes down."""

import asyncio
import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from cachetools import LRUCache

from shared.concurrency.limiter import ConcurrencyLimiter
from shared.concurrency.single_flight import SingleFlight
from shared.errors import DependencyUnavailable
from shared.purchases.authenticator import Purchase, PurchaseVerifier
from shared.purchases.settings import PurchaseSettings
from shared.store.verifications import Verification, Verifications
from shared.telemetry.metrics import PURCHASE_VERIFICATIONS
from shared.telemetry.signals import add

logger = logging.getLogger(__name__)

_AT_ONCE = 16
_TRY_AGAIN_S = 30


@dataclass(frozen=True)
class _Known:
    purchase: Purchase | None
    """The answer until `ask_again_at`."""

    ask_again_at: datetime
    verification: Verification | None
    """The store's last confirmation."""


class CachedVerifier:
    """A store that is asked once in a while.

    A confirmed purchase is cached here and, for other processes, in Firestore. A refusal is cached
    only here, so that made-up tokens cannot fill the database. While the store gives no answer, a
    purchase that it confirmed within the last day passes.

    The cache's key is the token, so each token of a purchase costs a verification of its own. The
    answer names the purchase, by which limits count.
    """

    def __init__(
        self,
        store: str,
        verifier: PurchaseVerifier,
        verifications: Verifications,
        settings: PurchaseSettings,
    ) -> None:
        self._store = store
        self._verifier = verifier
        self._verifications = verifications
        self._good_for = timedelta(seconds=settings.good_s)
        self._refused_for = timedelta(seconds=settings.refused_s)
        self._trusted_for = timedelta(seconds=settings.trusted_s)
        self._longest_s = 2 * settings.timeout_s
        self._known: LRUCache[str, _Known] = LRUCache(settings.remembered)
        self._asking = SingleFlight[str, Purchase | None]()
        # Made-up tokens must neither fill the memory with waiting requests nor use up the store.
        self._limiter = ConcurrencyLimiter(_AT_ONCE, settings.timeout_s, "purchases to verify")

    async def find_purchase(self, token: str, now: datetime) -> Purchase | None:
        """Return the purchase that `token` proves. Concurrent calls for a token share one answer.

        Costs nothing while the answer is fresh. Otherwise one read, and if no other process asked
        the store lately also the store's calls and one commit.

        Raises:
            DependencyUnavailable: the store gave no answer, and has not confirmed it lately.
        """
        key = f"{self._store}-{sha256(token.encode()).hexdigest()}".lower()
        known = self._known.get(key)
        if known is not None and now < known.ask_again_at:
            self._count("remembered")
            return known.purchase
        return await self._asking.do(key, lambda: self._find_out(key, token, now))

    async def _find_out(self, key: str, token: str, now: datetime) -> Purchase | None:
        last, others_answer = await self._last_verification(key)
        if last is not None and last.purchase_sha256 and now < last.verified_at + self._good_for:
            self._count("remembered")
            purchase = Purchase(last.purchase_sha256)
            self._known[key] = _Known(purchase, last.verified_at + self._good_for, last)
            return purchase
        try:
            confirmed = await self._ask_store(token, now)
        except DependencyUnavailable as error:
            if last is None or now >= last.verified_at + self._trusted_for:
                self._count("unknown")
                raise
            self._count("trusted")
            logger.warning("%s gives no answer; its purchases of the last day pass", self._store)
            # The previous version did not store the purchase. Its documents live for a day. Until
            # the store answers, their tokens keep the limits' windows of that version: by token.
            trusted = Purchase(last.purchase_sha256) if last.purchase_sha256 else Purchase.of(token)
            pause = min(timedelta(seconds=error.retry_after_s), self._refused_for)
            self._known[key] = _Known(trusted, now + pause, last)
            return trusted
        self._count("refused" if confirmed is None else "confirmed")
        if confirmed is None:
            if others_answer and last is not None:
                await self._take_back(key)
            self._known[key] = _Known(None, now + self._refused_for, None)
            return None
        verification = Verification(now, confirmed.sha256)
        if others_answer:
            await self._tell_others(key, verification)
        self._known[key] = _Known(confirmed, now + self._good_for, verification)
        return confirmed

    async def _ask_store(self, token: str, now: datetime) -> Purchase | None:
        async with self._limiter.slot():
            try:
                async with asyncio.timeout(self._longest_s):
                    return await self._verifier.find_purchase(token, now)
            except TimeoutError:  # of several calls, each of which was in time
                logger.warning("%s takes too long", self._store)
                raise DependencyUnavailable(self._store, _TRY_AGAIN_S) from None

    def _count(self, outcome: str) -> None:
        add(PURCHASE_VERIFICATIONS, 1, store=self._store, outcome=outcome)

    async def _last_verification(self, key: str) -> tuple[Verification | None, bool]:
        """Return the store's last confirmation, and whether Firestore answered."""
        known = self._known.get(key)
        here = known.verification if known is not None else None
        try:
            elsewhere = await self._verifications.find(key)
        except DependencyUnavailable:
            return here, False  # the purchase store itself may still answer
        found = [each for each in (here, elsewhere) if each is not None]
        return max(found, key=lambda each: each.verified_at, default=None), True

    async def _tell_others(self, key: str, verification: Verification) -> None:
        expires_at = verification.verified_at + self._trusted_for
        try:
            await self._verifications.put(key, verification, expires_at)
        except DependencyUnavailable:
            logger.warning("a verified purchase cannot be noted for other processes")

    async def _take_back(self, key: str) -> None:
        try:
            await self._verifications.delete(key)
        except DependencyUnavailable:
            logger.warning("a purchase that was taken back cannot be noted for other processes")
