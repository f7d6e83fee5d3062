"""Checks the arguments of the model's function call."""

import logging
from collections.abc import Callable, Sequence

from pydantic import ValidationError

from shared.errors import DependencyFailed, ResponseTooLong
from shared.planner.context import token_count
from shared.planner.messages import Arguments, Function, Message
from shared.planner.model import DEPENDENCY, RETRY_AFTER_S
from shared.planner.model_response import ModelResponse
from shared.planner.prompts import ask_again

logger = logging.getLogger(__name__)

# A mistake may occur in each exercise, and each reported one costs tokens.
_MAX_REPORTED_ERRORS = 10
_COMPLETE = ("stop", "tool_calls")


class InvalidFunctionCall(Exception):
    """The response has no valid function call. The message is for the model."""


def parse_arguments(
    function: Function[Arguments],
    response: ModelResponse,
    accepts: Callable[[Arguments], bool] = lambda _arguments: True,
) -> Arguments:
    """Return the arguments of the call to `function`, complete and within all limits.

    Raises:
        ResponseTooLong: the call ended at the limit of tokens.
        DependencyFailed: a second request would not help.
        InvalidFunctionCall: the model may correct it.
    """
    if response.call is not None and response.finish_reason == "length":
        logger.warning("the language model's plan is longer than OPENAI_MAX_TOKENS")
        raise ResponseTooLong(DEPENDENCY, RETRY_AFTER_S)
    if response.is_refusal or response.finish_reason not in _COMPLETE:
        logger.warning("the language model refused, or its response is incomplete")
        raise DependencyFailed(DEPENDENCY, RETRY_AFTER_S)
    if response.call is None or response.call.function != function.name:
        raise InvalidFunctionCall(f"you have not called {function.name}")
    try:
        arguments = function.parameters.model_validate_json(response.call.arguments)
    except ValidationError as error:
        raise InvalidFunctionCall(_describe(error)) from None
    if not accepts(arguments):
        raise InvalidFunctionCall("that is not the number of sessions that was asked for")
    return arguments


def _describe(error: ValidationError) -> str:
    found = error.errors(include_input=False, include_url=False)[:_MAX_REPORTED_ERRORS]
    return "; ".join(
        f"{'.'.join(str(part) for part in each['loc'])}: {each['msg']}" for each in found
    )


def request_correction(
    response: ModelResponse, problem: str, max_tokens: int | None = None
) -> Sequence[Message]:
    """Return the messages that ask the model to correct its response.

    A response of more than `max_tokens` is left out: the model writes it again.
    """
    if response.call is not None:
        messages = [
            Message("assistant", response.text, response.call),
            Message("tool", ask_again(problem), response.call),
        ]
        if max_tokens is None or token_count(messages) <= max_tokens:
            return messages
    text = [Message("assistant", response.text)] if response.text else []
    return [*text, Message("user", ask_again(problem))]
