"""The routes of workout plans."""

from shared.errors import DependencyFailed, NotEntitled, RateLimited
from shared.limits.rate_limits import RateLimits
from shared.planner.plans import Planner
from shared.purchases.authenticator import PurchaseAuthenticator, Subscriber
from shared.schemas.ai import Session, SessionRequest, WorkoutPlan, WorkoutRequest
from shared.timestamps import now
from shared.web.routes import Route


class AiHandlers:
    """Serves the routes of workout plans."""

    def __init__(
        self, purchases: PurchaseAuthenticator, limits: RateLimits, planner: Planner
    ) -> None:
        self._purchases = purchases
        self._limits = limits
        self._planner = planner

    def routes(self) -> list[Route]:
        """Return the routes with their handlers."""
        return [
            Route(
                "POST",
                "/ai/workout",
                "Have a workout plan made.",
                takes=WorkoutRequest,
                answers=WorkoutPlan,
                handler=self.workout,
                refuses=[NotEntitled, RateLimited, DependencyFailed],
                purchases=self._purchases,
            ),
            Route(
                "POST",
                "/ai/session",
                "Have one workout session made.",
                takes=SessionRequest,
                answers=Session,
                handler=self.session,
                refuses=[NotEntitled, RateLimited, DependencyFailed],
                purchases=self._purchases,
            ),
        ]

    async def workout(self, request: WorkoutRequest, subscriber: Subscriber) -> WorkoutPlan:
        """Make a plan."""
        await self._limits.admit(subscriber, now())
        return await self._planner.workout(request.attributes)

    async def session(self, request: SessionRequest, subscriber: Subscriber) -> Session:
        """Make a session."""
        await self._limits.admit(subscriber, now())
        return await self._planner.session(request.attributes)
