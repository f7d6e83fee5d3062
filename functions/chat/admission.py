"""The rate limit on chat messages."""

from dataclasses import dataclass

from shared.limits.rate_limits import RateLimits
from shared.timestamps import now
from shared.web.callers import Caller


@dataclass(frozen=True)
class Admission:
    """Admits the messages of one caller, on all connections, up to a limit."""

    limits: RateLimits
    caller: Caller

    async def admit(self) -> None:
        """Count one message, or reject it.

        Raises:
            RateLimited: the limit is reached; the message is not counted.
            DependencyUnavailable: the message cannot be counted, and the settings require that.
        """
        await self.limits.admit(self.caller, now())
