"""Plans and sessions on request: one request to the model, and one correction."""

import asyncio
import logging
from collections.abc import Callable

from shared.errors import DependencyFailed, DependencyTimedOut, RequestTooLong
from shared.planner.links import find_links, keep_known_links
from shared.planner.messages import Arguments, Function, Message
from shared.planner.model import DEPENDENCY, RETRY_AFTER_S, Model
from shared.planner.prompts import PLAN_MAKER, ask_for_session, ask_for_workout
from shared.planner.tool_arguments import InvalidFunctionCall, parse_arguments, request_correction
from shared.schemas.ai import Session, SessionAttributes, WorkoutAttributes, WorkoutPlan

logger = logging.getLogger(__name__)

_PLAN = Function("make_workout_plan", "Hand over the finished workout plan.", WorkoutPlan)
_SESSION = Function("make_session", "Hand over the finished workout session.", Session)


class Planner:
    """Requests plans from the model, each within `deadline_s`."""

    def __init__(self, model: Model, deadline_s: float) -> None:
        self._model = model
        self._deadline_s = deadline_s

    async def workout(self, attributes: WorkoutAttributes) -> WorkoutPlan:
        """Return a plan, complete and within all limits.

        Raises:
            DependencyTimedOut: the model exceeded the deadline.
            DependencyFailed: the model refused, ended early, or returned no valid plan.
            DependencyUnavailable: the model is overloaded.
        """
        days = attributes.days_per_week

        # The schema is the same for each number of days, so it cannot express this.
        def has_all_sessions(plan: WorkoutPlan) -> bool:
            return len(plan.sessions) == days

        return await self._request(_PLAN, ask_for_workout(attributes), has_all_sessions)

    async def session(self, attributes: SessionAttributes) -> Session:
        """Return a session. Raises the same errors as `workout`."""
        return await self._request(_SESSION, ask_for_session(attributes))

    async def _request(
        self,
        function: Function[Arguments],
        prompt: str,
        accepts: Callable[[Arguments], bool] = lambda _arguments: True,
    ) -> Arguments:
        messages = [Message("system", PLAN_MAKER), Message("user", prompt)]
        links = find_links(prompt)
        try:
            async with asyncio.timeout(self._deadline_s):
                response = await self._model.respond(function, messages, must_call=True)
                try:
                    found = parse_arguments(function, response, accepts)
                    return keep_known_links(found, links)
                except InvalidFunctionCall as error:
                    logger.info("the language model's plan is invalid; requesting a correction")
                    messages += request_correction(response, str(error))
                response = await self._model.respond(function, messages, must_call=True)
                try:
                    found = parse_arguments(function, response, accepts)
                    return keep_known_links(found, links)
                except InvalidFunctionCall:
                    logger.warning("the language model's corrected plan is invalid")
                    raise DependencyFailed(DEPENDENCY, RETRY_AFTER_S) from None
        except RequestTooLong:  # these requests are short: an operator must act
            logger.error("the language model's context is too small for a plan")  # noqa: TRY400
            raise
        except TimeoutError:
            raise DependencyTimedOut(DEPENDENCY, RETRY_AFTER_S) from None
