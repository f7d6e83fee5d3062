"""Rate limits on requests that cost money, per purchase or user.

Source: contract, heading "AI".
"""

import logging
from datetime import datetime

from shared.auth.named_user import NamedUser
from shared.errors import DependencyUnavailable, Overloaded, RateLimited
from shared.limits.settings import RateLimitSettings
from shared.purchases.authenticator import Subscriber
from shared.purchases.web import WEB
from shared.store.quotas import Quotas
from shared.telemetry.metrics import RATE_LIMIT_REFUSALS
from shared.telemetry.signals import add

logger = logging.getLogger(__name__)


class RateLimits:
    """Limits the number of a caller's requests in any 24 hours.

    Args:
        bucket: names the counter; requests of different buckets are counted separately.
        web_limit: the limit of credentials that several people share: `Web` tokens, bare API keys.
        mobile_limit: the limit of every other purchase and user.
        quotas: the counters.
        settings: apply to all buckets.
    """

    def __init__(
        self,
        bucket: str,
        web_limit: int,
        mobile_limit: int,
        quotas: Quotas,
        settings: RateLimitSettings,
    ) -> None:
        self._bucket = bucket
        self._web_limit = web_limit
        self._mobile_limit = mobile_limit
        self._quotas = quotas
        self._settings = settings

    async def admit(self, caller: Subscriber | NamedUser, now: datetime) -> None:
        """Count the request, or reject it.

        Raises:
            RateLimited: the limit is reached; the request is not counted.
            DependencyUnavailable: the request cannot be counted, and the settings require that.
        """
        if self._settings.test_mode:
            return
        limit = self._web_limit if _is_shared(caller) else self._mobile_limit
        try:
            await self._quotas.take(f"{self._bucket}-{caller.key}", limit, now)
        except RateLimited:
            add(RATE_LIMIT_REFUSALS, 1, bucket=self._bucket)
            raise
        except Overloaded:
            # The database is available: too many requests of one purchase update its counter.
            # Admitting them would let a flood of requests bypass the limit.
            raise
        except DependencyUnavailable:
            if self._settings.when_unavailable == "refuse":
                raise
            logger.warning("request admitted without a rate limit: the database is unavailable")


def _is_shared(caller: Subscriber | NamedUser) -> bool:
    return caller.is_shared if isinstance(caller, NamedUser) else caller.provider == WEB
