"""The routes of workout plans."""

from shared.errors import DependencyFailed, RateLimited
from shared.limits.rate_limits import RateLimits
from shared.planner.plans import Planner
from shared.purchases.authenticator import Subscriber
from shared.schemas.ai import Session, SessionRequest, WorkoutPlan, WorkoutRequest
from shared.timestamps import now
from shared.web.authentication import PurchaseAuth
from shared.web.routes import Route


class AiHandlers:
    """Serves the routes of workout plans."""

    def __init__(self, auth: PurchaseAuth, limits: RateLimits, planner: Planner) -> None:
        self._auth = auth
        self._limits = limits
        self._planner = planner

    def routes(self) -> list[Route]:
        """Return the routes with their handlers."""
        return [
            Route(
                "POST",
                "/ai/workout",
                "Generate a workout plan.",
                request=WorkoutRequest,
                response=WorkoutPlan,
                handler=self.workout,
                refuses=[RateLimited, DependencyFailed],
                auth=self._auth,
            ),
            Route(
                "POST",
                "/ai/session",
                "Generate one workout session.",
                request=SessionRequest,
                response=Session,
                handler=self.session,
                refuses=[RateLimited, DependencyFailed],
                auth=self._auth,
            ),
        ]

    async def workout(self, request: WorkoutRequest, subscriber: Subscriber) -> WorkoutPlan:
        """Generate a plan."""
        # Counted only after the validation of the body: an invalid request costs nothing.
        await self._limits.admit(subscriber, now())
        return await self._planner.workout(request.attributes)

    async def session(self, request: SessionRequest, subscriber: Subscriber) -> Session:
        """Generate a session."""
        await self._limits.admit(subscriber, now())
        return await self._planner.session(request.attributes)
