"""Plans and sessions on request: one question to the model, and one chance to mend the answer."""

import asyncio
import logging
from collections.abc import Callable, Sequence

from pydantic import ValidationError

from shared.errors import DependencyFailed, DependencyTimedOut
from shared.planner.messages import Form, Function, Said
from shared.planner.model import TRY_AGAIN_S, WHAT, Model
from shared.planner.prompts import PLAN_MAKER, ask_again, ask_for_session, ask_for_workout
from shared.planner.reply import Reply
from shared.schemas.ai import Session, SessionAttributes, WorkoutAttributes, WorkoutPlan

logger = logging.getLogger(__name__)

_MOST_MISTAKES = 10
_WHOLE = ("stop", "tool_calls")

_PLAN = Function("make_workout_plan", "Hand over the finished workout plan.", WorkoutPlan)
_SESSION = Function("make_session", "Hand over the finished workout session.", Session)


class _Unfit(Exception):
    """The reply cannot be used; the message tells the model why."""


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
        said = [Said("system", PLAN_MAKER), Said("user", wish)]
        try:
            async with asyncio.timeout(self._deadline_s):
                reply = await self._model.call(function, said)
                try:
                    return _read(function, reply, fits)
                except _Unfit as problem:
                    logger.warning("the model's answer does not fit; it may mend it")
                    said += _complaint(reply, str(problem))
                try:
                    return _read(function, await self._model.call(function, said), fits)
                except _Unfit:
                    logger.warning("the model's answer still does not fit")
                    raise DependencyFailed(WHAT, TRY_AGAIN_S) from None
        except TimeoutError:
            raise DependencyTimedOut(WHAT, TRY_AGAIN_S) from None


def _read(function: Function[Form], reply: Reply, fits: Callable[[Form], bool]) -> Form:
    """Return what the model has filled in.

    Raises:
        DependencyFailed: asking again would not help.
        _Unfit: it may mend it.
    """
    if reply.refused or reply.ended not in _WHOLE:
        logger.warning("the model refuses, or cannot come to an end")
        raise DependencyFailed(WHAT, TRY_AGAIN_S)
    if reply.call is None or reply.call.function != function.name:
        raise _Unfit(f"you have not called {function.name}")
    try:
        filled = function.parameters.model_validate_json(reply.call.arguments)
    except ValidationError as error:
        raise _Unfit(_mistakes(error)) from None
    if not fits(filled):
        raise _Unfit("that is not the number of sessions that was asked for")
    return filled


def _mistakes(error: ValidationError) -> str:
    found = error.errors(include_input=False, include_url=False)[:_MOST_MISTAKES]
    return "; ".join(
        f"{'.'.join(str(part) for part in mistake['loc'])}: {mistake['msg']}" for mistake in found
    )


def _complaint(reply: Reply, problem: str) -> Sequence[Said]:
    if reply.call is None:
        return [Said("assistant", reply.text), Said("user", ask_again(problem))]
    return [
        Said("assistant", reply.text, reply.call),
        Said("tool", ask_again(problem), reply.call),
    ]
