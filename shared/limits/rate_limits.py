"""How often a subscriber may use what costs us money.

Source: contract, heading "AI".
"""

import logging
from datetime import datetime

from shared.errors import DependencyUnavailable, Overloaded, RateLimited
from shared.limits.settings import RateLimitSettings
from shared.purchases.authenticator import Subscriber
from shared.purchases.web import WEB
from shared.store.quotas import Quotas
from shared.telemetry.metrics import RATE_LIMIT_REFUSALS
from shared.telemetry.signals import add

logger = logging.getLogger(__name__)


class RateLimits:
    """Lets so many requests of a subscriber pass in any 24 hours.

    Args:
        bucket: keeps apart what is counted separately.
        web: how many, for the token that everybody on the web shares.
        mobile: how many, for any other.
        quotas: count them.
        settings: what is the same for all buckets.
    """

    def __init__(
        self, bucket: str, web: int, mobile: int, quotas: Quotas, settings: RateLimitSettings
    ) -> None:
        self._bucket = bucket
        self._web, self._mobile = web, mobile
        self._quotas = quotas
        self._settings = settings

    async def admit(self, subscriber: Subscriber, now: datetime) -> None:
        """Return if the request may pass; it is counted then.

        Raises:
            RateLimited: it may not.
            DependencyUnavailable: it cannot be counted, and the settings want it refused then.
        """
        if self._settings.test_mode:
            return
        limit = self._web if subscriber.store == WEB else self._mobile
        try:
            await self._quotas.take(f"{self._bucket}-{subscriber.key}", limit, now)
        except RateLimited:
            add(RATE_LIMIT_REFUSALS, 1, bucket=self._bucket)
            raise
        except Overloaded:
            raise  # the store does answer: there are too many to be counted
        except DependencyUnavailable:
            if self._settings.when_unavailable == "refuse":
                raise
            logger.warning("a request passes without being counted: Firestore does not answer")
