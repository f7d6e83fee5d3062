"""The routes of workout plans."""

from shared.errors import DependencyFailed, RateLimited
from shared.limits.rate_limits import RateLimits
from shared.planner.plans import Planner
from shared.schemas.ai import Session, SessionRequest, WorkoutPlan, WorkoutRequest
from shared.timestamps import now
from shared.web.callers import Caller, CallerAuth
from shared.web.features import Feature
from shared.web.routes import Route


class AiHandlers:
    """Serves the routes of workout plans."""

    def __init__(self, auth: CallerAuth, limits: RateLimits, planner: Planner) -> None:
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
                features=[Feature.AI_PLANNER],
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
                features=[Feature.AI_PLANNER],
            ),
        ]

    async def workout(self, request: WorkoutRequest, caller: Caller) -> WorkoutPlan:
        """Generate a plan."""
        # Counted only after the validation of the body: an invalid request costs nothing.
        await self._limits.admit(caller, now())
        return await self._planner.workout(request.attributes)

    async def session(self, request: SessionRequest, caller: Caller) -> Session:
        """Generate a session."""
        await self._limits.admit(caller, now())
        return await self._planner.session(request.attributes)
