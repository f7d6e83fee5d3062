"""What the model has filled in, held against the form."""

import logging
from collections.abc import Callable, Sequence

from pydantic import ValidationError

from shared.errors import DependencyFailed
from shared.planner.messages import Form, Function, Message
from shared.planner.model import TRY_AGAIN_S, WHAT
from shared.planner.model_response import ModelResponse
from shared.planner.prompts import ask_again

logger = logging.getLogger(__name__)

_MOST_MISTAKES = 10
_WHOLE = ("stop", "tool_calls")


class Unfit(Exception):
    """The reply cannot be used; the message tells the model why."""


def read(
    function: Function[Form],
    reply: ModelResponse,
    fits: Callable[[Form], bool] = lambda _filled: True,
) -> Form:
    """Return what the model has filled in, complete and within all limits.

    Raises:
        DependencyFailed: asking again would not help.
        Unfit: the model may mend it.
    """
    if reply.refused or reply.ended not in _WHOLE:
        logger.warning("the model refuses, or cannot come to an end")
        raise DependencyFailed(WHAT, TRY_AGAIN_S)
    if reply.call is None or reply.call.function != function.name:
        raise Unfit(f"you have not called {function.name}")
    try:
        filled = function.parameters.model_validate_json(reply.call.arguments)
    except ValidationError as error:
        raise Unfit(_mistakes(error)) from None
    if not fits(filled):
        raise Unfit("that is not the number of sessions that was asked for")
    return filled


def _mistakes(error: ValidationError) -> str:
    found = error.errors(include_input=False, include_url=False)[:_MOST_MISTAKES]
    return "; ".join(
        f"{'.'.join(str(part) for part in mistake['loc'])}: {mistake['msg']}" for mistake in found
    )


def complaint(reply: ModelResponse, problem: str) -> Sequence[Message]:
    """Return what to add to the conversation so that the model mends its reply."""
    if reply.call is None:
        return [Message("assistant", reply.text), Message("user", ask_again(problem))]
    return [
        Message("assistant", reply.text, reply.call),
        Message("tool", ask_again(problem), reply.call),
    ]
