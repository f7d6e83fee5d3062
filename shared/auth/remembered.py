"""What purchase stores have answered, remembered: they are slow, limited, and sometimes down."""

import asyncio
import logging
from dataclasses import dataclass
from datetime import datetime, timedelta

from cachetools import LRUCache

from shared.auth.purchases import PurchaseVerifier, Subscriber
from shared.errors import DependencyUnavailable
from shared.settings import PurchaseSettings
from shared.single_flight import SingleFlight
from shared.store.verifications import Verifications
from shared.telemetry.metrics import PURCHASES
from shared.telemetry.signals import add
from shared.turns import Turns

logger = logging.getLogger(__name__)

_AT_ONCE = 16
_TRY_AGAIN_S = 30


@dataclass(frozen=True)
class _Known:
    is_entitled: bool
    ask_again_at: datetime
    verified_at: datetime | None
    """When the store last confirmed the purchase."""


class Remembered:
    """A store that is asked once in a while.

    A confirmed purchase is remembered here and, for other processes, in Firestore; a refusal only
    here, so that nobody can fill the database with made-up tokens. While the store cannot tell, a
    purchase that it confirmed within the last day passes.
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
        self._asking = SingleFlight[str, bool]()
        # Made-up tokens must neither fill the memory with waiting requests nor use up the store.
        self._turns = Turns(_AT_ONCE, settings.timeout_s, "purchases to verify")

    async def is_entitled(self, token: str, now: datetime) -> bool:
        """Whether `token` proves a purchase; those who ask at the same time share one answer.

        Costs nothing while the answer is fresh; one read, and if nobody else asked the store
        lately also its calls and one commit, when it is not.

        Raises:
            DependencyUnavailable: the store could not tell, and has not confirmed it lately.
        """
        key = Subscriber.of(self._store, token).key
        known = self._known.get(key)
        if known is not None and now < known.ask_again_at:
            self._count("remembered")
            return known.is_entitled
        return await self._asking.do(key, lambda: self._find_out(key, token, now))

    async def _find_out(self, key: str, token: str, now: datetime) -> bool:
        verified_at, others_answer = await self._last_verified(key)
        if verified_at is not None and now < verified_at + self._good_for:
            self._count("remembered")
            return self._remember(key, verified_at, verified_at + self._good_for)
        try:
            is_entitled = await self._ask_store(token, now)
        except DependencyUnavailable as error:
            if verified_at is None or now >= verified_at + self._trusted_for:
                self._count("unknown")
                raise
            self._count("trusted")
            logger.warning("%s cannot tell; its purchases of the last day pass", self._store)
            pause = min(timedelta(seconds=error.retry_after_s), self._refused_for)
            return self._remember(key, verified_at, now + pause)
        self._count("confirmed" if is_entitled else "refused")
        if is_entitled:
            if others_answer:
                await self._tell_others(key, now)
            return self._remember(key, now, now + self._good_for)
        if others_answer and verified_at is not None:
            await self._take_back(key)
        self._known[key] = _Known(
            is_entitled=False, ask_again_at=now + self._refused_for, verified_at=None
        )
        return False

    async def _ask_store(self, token: str, now: datetime) -> bool:
        async with self._turns.take():
            try:
                async with asyncio.timeout(self._longest_s):
                    return await self._verifier.is_entitled(token, now)
            except TimeoutError:  # of several calls, each of which was in time
                logger.warning("%s takes too long", self._store)
                raise DependencyUnavailable(self._store, _TRY_AGAIN_S) from None

    def _count(self, outcome: str) -> None:
        add(PURCHASES, 1, store=self._store, outcome=outcome)

    def _remember(self, key: str, verified_at: datetime, ask_again_at: datetime) -> bool:
        self._known[key] = _Known(
            is_entitled=True, ask_again_at=ask_again_at, verified_at=verified_at
        )
        return True

    async def _last_verified(self, key: str) -> tuple[datetime | None, bool]:
        """Return when the purchase was last confirmed, and whether Firestore could be asked."""
        known = self._known.get(key)
        here = known.verified_at if known is not None else None
        try:
            elsewhere = await self._verifications.find(key)
        except DependencyUnavailable:
            return here, False  # the purchase store itself can still be asked
        return max((at for at in (here, elsewhere) if at is not None), default=None), True

    async def _tell_others(self, key: str, now: datetime) -> None:
        try:
            await self._verifications.put(key, now, now + self._trusted_for)
        except DependencyUnavailable:
            logger.warning("a verified purchase cannot be noted for other processes")

    async def _take_back(self, key: str) -> None:
        try:
            await self._verifications.delete(key)
        except DependencyUnavailable:
            logger.warning("a purchase that was taken back cannot be noted for other processes")
