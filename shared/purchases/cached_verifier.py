"""Cache for verified purchases: providers are slow, rate limited and sometimes unavailable."""

import asyncio
import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from cachetools import LRUCache

from shared.concurrency.limiter import ConcurrencyLimiter
from shared.concurrency.single_flight import SingleFlight
from shared.errors import DependencyUnavailable
from shared.purchases.authenticator import Purchase, PurchaseProvider
from shared.purchases.settings import PurchaseSettings
from shared.store.verifications import Verification, Verifications
from shared.telemetry.metrics import PURCHASE_VERIFICATIONS
from shared.telemetry.signals import add

logger = logging.getLogger(__name__)

_MAX_CONCURRENT_VERIFICATIONS = 16
_RETRY_AFTER_S = 30


@dataclass(frozen=True)
class _CachedResult:
    purchase: Purchase | None
    expires_at: datetime
    last_confirmation: Verification | None
    """The provider's last confirmation; may be older than `purchase`."""


class CachedVerifier:
    """Calls a provider only when neither the process nor the database has a fresh result.

    A confirmed purchase is cached in memory and, for other processes, in the database. A rejected
    token is cached only in memory, so that invented tokens cannot fill the database. While the
    provider does not respond, purchases that it confirmed within the last day are accepted.

    The cache key is the token, so each token of a purchase is verified separately. The result names
    the purchase, and rate limits count by the purchase.
    """

    def __init__(
        self,
        name: str,
        provider: PurchaseProvider,
        verifications: Verifications,
        settings: PurchaseSettings,
    ) -> None:
        self._name = name
        self._provider = provider
        self._verifications = verifications
        self._confirmed_lifetime = timedelta(seconds=settings.good_s)
        self._rejected_lifetime = timedelta(seconds=settings.refused_s)
        self._outage_lifetime = timedelta(seconds=settings.trusted_s)
        # Bounds a verification of several calls; each call also has its own timeout.
        self._max_verification_s = 2 * settings.timeout_s
        self._cached: LRUCache[str, _CachedResult] = LRUCache(settings.max_cached)
        self._verifying = SingleFlight[str, Purchase | None]()
        # Invented tokens must neither fill the memory with waiting requests nor exhaust the rate
        # limit of the provider.
        self._limiter = ConcurrencyLimiter(
            _MAX_CONCURRENT_VERIFICATIONS, settings.timeout_s, "purchases to verify"
        )

    async def find_purchase(self, token: str, now: datetime) -> Purchase | None:
        """Return the purchase that `token` proves. Concurrent calls for a token share one result.

        Costs nothing while the result is cached in memory. Otherwise costs one read and, unless
        another process verified the token recently, the provider's calls and one commit.

        Raises:
            DependencyUnavailable: no response from the provider, and no recent confirmation.
        """
        # Only a hash of the token is stored: the token itself is a credential.
        key = f"{self._name}-{sha256(token.encode()).hexdigest()}".lower()
        cached = self._cached.get(key)
        if cached is not None and now < cached.expires_at:
            self._count("remembered")
            return cached.purchase
        return await self._verifying.do(key, lambda: self._verify(key, token, now))

    async def _verify(self, key: str, token: str, now: datetime) -> Purchase | None:
        last, is_database_available = await self._last_confirmation(key)
        if (
            last is not None
            and last.purchase_sha256
            and now < last.verified_at + self._confirmed_lifetime
        ):
            self._count("remembered")
            purchase = Purchase(last.purchase_sha256)
            self._cached[key] = _CachedResult(
                purchase, last.verified_at + self._confirmed_lifetime, last
            )
            return purchase
        try:
            confirmed = await self._call_provider(token, now)
        except DependencyUnavailable as error:
            if last is None or now >= last.verified_at + self._outage_lifetime:
                self._count("unknown")
                raise
            self._count("trusted")
            logger.warning(
                "%s is unavailable; purchases confirmed in the last day are accepted", self._name
            )
            # Documents of the previous version do not contain the purchase. They expire after a
            # day. Until the provider responds, their rate limits count by the token, as before.
            trusted = Purchase(last.purchase_sha256) if last.purchase_sha256 else Purchase.of(token)
            # Cached until the provider may be called again: requests must not wait for its timeout.
            pause = min(timedelta(seconds=error.retry_after_s), self._rejected_lifetime)
            self._cached[key] = _CachedResult(trusted, now + pause, last)
            return trusted
        self._count("refused" if confirmed is None else "confirmed")
        if confirmed is None:
            # A refund: other processes must not accept the stored confirmation any longer.
            if is_database_available and last is not None:
                await self._delete_confirmation(key)
            self._cached[key] = _CachedResult(None, now + self._rejected_lifetime, None)
            return None
        verification = Verification(now, confirmed.sha256)
        # Skipped after a failed read: the commit would wait for the same outage.
        if is_database_available:
            await self._store_confirmation(key, verification)
        self._cached[key] = _CachedResult(confirmed, now + self._confirmed_lifetime, verification)
        return confirmed

    async def _call_provider(self, token: str, now: datetime) -> Purchase | None:
        async with self._limiter.slot():
            try:
                async with asyncio.timeout(self._max_verification_s):
                    return await self._provider.find_purchase(token, now)
            except TimeoutError:
                # Several calls, each within its own timeout.
                logger.warning("%s: verification timed out", self._name)
                raise DependencyUnavailable(self._name, _RETRY_AFTER_S) from None

    def _count(self, outcome: str) -> None:
        add(PURCHASE_VERIFICATIONS, 1, store=self._name, outcome=outcome)

    async def _last_confirmation(self, key: str) -> tuple[Verification | None, bool]:
        """Return the provider's last confirmation, and whether the database responded."""
        cached = self._cached.get(key)
        in_memory = cached.last_confirmation if cached is not None else None
        try:
            in_database = await self._verifications.find(key)
        except DependencyUnavailable:
            # Not an error: the provider may still respond.
            return in_memory, False
        found = [each for each in (in_memory, in_database) if each is not None]
        return max(found, key=lambda each: each.verified_at, default=None), True

    async def _store_confirmation(self, key: str, verification: Verification) -> None:
        expires_at = verification.verified_at + self._outage_lifetime
        try:
            await self._verifications.put(key, verification, expires_at)
        except DependencyUnavailable:
            logger.warning("confirmed purchase not stored: the database is unavailable")

    async def _delete_confirmation(self, key: str) -> None:
        try:
            await self._verifications.delete(key)
        except DependencyUnavailable:
            logger.warning("rejected purchase not deleted: the database is unavailable")
