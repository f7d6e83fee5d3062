"""Plans and sessions on request: one question to the model, and one chance to mend the answer."""

import asyncio
import logging
from collections.abc import Callable

from shared.errors import DependencyFailed, DependencyTimedOut
from shared.planner.messages import Form, Function, Message
from shared.planner.model import TRY_AGAIN_S, WHAT, Model
from shared.planner.prompts import PLAN_MAKER, ask_for_session, ask_for_workout
from shared.planner.tool_arguments import Unfit, complaint, read
from shared.schemas.ai import Session, SessionAttributes, WorkoutAttributes, WorkoutPlan

logger = logging.getLogger(__name__)

_PLAN = Function("make_workout_plan", "Hand over the finished workout plan.", WorkoutPlan)
_SESSION = Function("make_session", "Hand over the finished workout session.", Session)


class Planner:
    """Has plans made, each within `deadline_s`."""

    def __init__(self, model: Model, deadline_s: float) -> None:
        self._model = model
        self._deadline_s = deadline_s

    async def workout(self, attributes: WorkoutAttributes) -> WorkoutPlan:
        """Return a plan, complete and within all limits.

        Raises:
            DependencyTimedOut: it took too long.
            DependencyFailed: the model refused, broke off, or did not make one that is valid.
            DependencyUnavailable: the model has too much to do.
        """
        days = attributes.days_per_week

        def fits(plan: WorkoutPlan) -> bool:
            return len(plan.sessions) == days

        return await self._filled(_PLAN, ask_for_workout(attributes), fits)

    async def session(self, attributes: SessionAttributes) -> Session:
        """Return a session; as `workout`."""
        return await self._filled(_SESSION, ask_for_session(attributes))

    async def _filled(
        self,
        function: Function[Form],
        wish: str,
        fits: Callable[[Form], bool] = lambda _filled: True,
    ) -> Form:
        said = [Message("system", PLAN_MAKER), Message("user", wish)]
        try:
            async with asyncio.timeout(self._deadline_s):
                reply = await self._model.reply(function, said, must_call=True)
                try:
                    return read(function, reply, fits)
                except Unfit as problem:
                    logger.info("the model's answer does not fit; it may mend it")
                    said += complaint(reply, str(problem))
                reply = await self._model.reply(function, said, must_call=True)
                try:
                    return read(function, reply, fits)
                except Unfit:
                    logger.warning("the model's answer still does not fit")
                    raise DependencyFailed(WHAT, TRY_AGAIN_S) from None
        except TimeoutError:
            raise DependencyTimedOut(WHAT, TRY_AGAIN_S) from None
