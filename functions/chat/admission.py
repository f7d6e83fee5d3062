"""The rate limit on chat messages."""

from dataclasses import dataclass

from shared.limits.rate_limits import RateLimits
from shared.purchases.authenticator import Subscriber
from shared.timestamps import now


@dataclass(frozen=True)
class Admission:
    """Admits the messages of one subscriber, on all connections, up to a limit."""

    limits: RateLimits
    subscriber: Subscriber

    async def check(self) -> None:
        """Count one message.

        Raises:
            RateLimited: the limit is reached.
            DependencyUnavailable: the message cannot be counted.
        """
        await self.limits.admit(self.subscriber, now())
