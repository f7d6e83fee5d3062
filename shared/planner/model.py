"""The language model, reached by OpenAI's Chat Completions, which many servers speak.

Source: https://platform.openai.com/docs/api-reference/chat
"""

import asyncio
import itertools
import logging
import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from http import HTTPStatus
from math import ceil, isfinite
from typing import TYPE_CHECKING, Any

import httpx2
import openai
from openai import AsyncOpenAI, AsyncStream

from shared.clients.http import Client
from shared.clients.secrets import Secrets
from shared.errors import DependencyFailed, DependencyTimedOut, DependencyUnavailable
from shared.planner.messages import Form, Function, Message
from shared.planner.model_response import ModelResponse
from shared.planner.settings import ModelSettings
from shared.telemetry.metrics import OPERATION_DURATION, TOKEN_USAGE
from shared.telemetry.signals import add, span

if TYPE_CHECKING:
    from openai.types.chat import (
        ChatCompletionFunctionToolParam,
        ChatCompletionMessageParam,
        ChatCompletionToolChoiceOptionParam,
    )
    from openai.types.chat.completion_create_params import CompletionCreateParamsStreaming

logger = logging.getLogger(__name__)

WHAT = "the language model"
TRY_AGAIN_S = 10
_OPERATION, _PROVIDER = "chat", "openai"
_CONNECT_TIMEOUT_S = 5
_FIRST_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 5
_LATEST_S = 3600
_AFTERWORDS_S = 1
_LONGEST_REPLY = 100_000
_PASSING = (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.CONFLICT, HTTPStatus.TOO_MANY_REQUESTS)
_RUBBISH = (ValueError, TypeError, AttributeError, RecursionError)
"""What the library raises for no JSON, and for JSON of a shape that it does not check."""

_UNKNOWN_TO_STRICT_SCHEMAS = frozenset({"discriminator", "maxLength", "minLength", "pattern"})
"""OpenAI refuses the first three, and of the fourth each server knows another part."""


class Model:
    """Makes the model speak, within bounded time and length."""

    def __init__(self, settings: ModelSettings, secrets: Secrets, http: Client) -> None:
        self._settings = settings
        self._client = AsyncOpenAI(
            api_key=secrets.get(settings, "api_key").value,
            base_url=str(settings.base_url),
            http_client=http,
            timeout=httpx2.Timeout(settings.silence_s, connect=_CONNECT_TIMEOUT_S),
            # Its own retries would wait two minutes if a Retry-After says so.
            max_retries=0,
        )

    async def reply(
        self,
        function: Function[Form],
        said: Sequence[Message],
        *,
        must_call: bool,
        grown: Callable[[ModelResponse], None] = lambda _reply: None,
    ) -> ModelResponse:
        """Return the model's reply to `said`, in which it may, or has to, call `function`.

        The reply is complete, though it need not be what was asked for. `grown` is called with
        what there is of it after each piece, also if the rest never comes. Cancelling ends the
        model's work, too.

        Raises:
            DependencyTimedOut: it was silent for too long.
            DependencyFailed: it broke off, went on for too long, or our request was refused.
            DependencyUnavailable: it has too much to do, or our key for it cannot be had.
        """
        reply = ModelResponse()
        messages = [_message(each) for each in said]
        started = time.monotonic()
        with _measured(self._settings.model, reply):
            with _translated():
                begun = await self._begin(_tool(function), messages, must_call=must_call)
                async with begun as pieces:
                    await _add_all(pieces, reply, grown)
            logger.info(
                "model %s: %d prompt tokens, %d completion tokens, %d ms, ended by %s",
                self._settings.model,
                reply.prompt_tokens,
                reply.completion_tokens,
                (time.monotonic() - started) * 1000,
                reply.ended,
                extra={
                    "json_fields": {
                        "prompt_tokens": reply.prompt_tokens,
                        "completion_tokens": reply.completion_tokens,
                    }
                },
            )
            if reply.ended is None:
                logger.warning("the language model has come to no end")
                raise DependencyFailed(WHAT, TRY_AGAIN_S)
        return reply

    async def _begin(
        self,
        tool: "ChatCompletionFunctionToolParam",
        messages: "list[ChatCompletionMessageParam]",
        *,
        must_call: bool,
    ) -> AsyncStream[object]:
        """Start a reply; again after a pause if that fails, for nothing was said yet."""
        choice: ChatCompletionToolChoiceOptionParam = "auto"
        if must_call:
            choice = {"type": "function", "function": {"name": tool["function"]["name"]}}
        wish: CompletionCreateParamsStreaming = {
            "model": self._settings.model,
            "messages": messages,
            "tools": [tool],
            "tool_choice": choice,
            "parallel_tool_calls": False,
            "max_completion_tokens": self._settings.max_tokens,
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        for attempt in itertools.count():
            try:
                return await self._client.post(
                    "/chat/completions",
                    body=wish,
                    # Pieces come as they are: to make the library's objects of them takes longer
                    # than everything else that is done with them.
                    cast_to=object,
                    stream=True,
                    stream_cls=AsyncStream[object],
                )
            except (openai.APIConnectionError, openai.APIStatusError) as error:
                if attempt >= self._settings.retries or not _may_be_repeated(error):
                    raise
                longest_s = min(_FIRST_PAUSE_S * 2**attempt, _LONGEST_PAUSE_S)
                wanted_s = _retry_after_s(error) or 0
                await asyncio.sleep(max(wanted_s, random.uniform(0, longest_s)))  # noqa: S311
        raise AssertionError("the loop ends by returning or raising")


async def _add_all(
    pieces: AsyncStream[object], reply: ModelResponse, grown: Callable[[ModelResponse], None]
) -> None:
    """Add all pieces to `reply`; stop when it becomes absurdly long."""
    coming = aiter(pieces)
    with suppress(TimeoutError):
        async with asyncio.timeout(None) as patience:
            while reply.length <= _LONGEST_REPLY:
                try:
                    piece = await anext(coming, None)
                    if piece is None:
                        return
                    reply.add(piece)
                except _RUBBISH as error:
                    logger.warning("the language model says rubbish: %s", type(error).__name__)
                    raise DependencyFailed(WHAT, TRY_AGAIN_S) from None
                if reply.length <= _LONGEST_REPLY:
                    grown(reply)
                if reply.ended is not None and patience.when() is None:
                    # What may still come are the numbers of tokens, and some servers forget to end.
                    patience.reschedule(asyncio.get_running_loop().time() + _AFTERWORDS_S)


def _may_be_repeated(error: openai.APIConnectionError | openai.APIStatusError) -> bool:
    if isinstance(error, openai.APIConnectionError):
        return not _was_silent(error)  # after a silence the caller has waited long enough
    if _is_out_of_money(error) or (_retry_after_s(error) or 0) > _LONGEST_PAUSE_S:
        return False
    return error.status_code in _PASSING or error.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR


def _was_silent(error: openai.APIConnectionError) -> bool:
    """Whether it was reached and then said nothing."""
    is_timeout = isinstance(error, openai.APITimeoutError)
    return is_timeout and not isinstance(error.__cause__, httpx2.ConnectTimeout)


def _is_out_of_money(error: openai.APIError) -> bool:
    return error.code == "insufficient_quota"


def _retry_after_s(error: openai.APIError) -> int | None:
    if not isinstance(error, openai.APIStatusError):
        return None
    try:
        wanted_s = float(error.response.headers["retry-after"])
    except (KeyError, ValueError):  # not there, or a date
        return None
    return ceil(max(1, min(wanted_s, _LATEST_S))) if isfinite(wanted_s) else None


@contextmanager
def _measured(model: str, reply: ModelResponse) -> Iterator[None]:
    """Tell how long the reply took, what became of it, and its tokens."""
    whose: dict[str, str] = {
        "gen_ai_operation_name": _OPERATION,
        "gen_ai_provider_name": _PROVIDER,
        "gen_ai_request_model": model,
    }
    error_type, began = None, time.monotonic()
    try:
        with span(f"{_OPERATION} {model}"):
            yield
    except BaseException as error:
        error_type = type(error).__name__
        raise
    finally:
        add(OPERATION_DURATION, time.monotonic() - began, **whose, error_type=error_type)
        for kind, count in (("input", reply.prompt_tokens), ("output", reply.completion_tokens)):
            if count:
                add(TOKEN_USAGE, count, **whose, gen_ai_token_type=kind)


@contextmanager
def _translated() -> Iterator[None]:
    """Turn the library's errors into ours. They quote the model's server, so they are dropped."""
    try:
        yield
    except openai.APIConnectionError as error:
        logger.warning("the language model cannot be reached: %s", type(error).__name__)
        failure = DependencyTimedOut if _was_silent(error) else DependencyFailed
        raise failure(WHAT, TRY_AGAIN_S) from None
    except openai.RateLimitError as error:
        if _is_out_of_money(error):
            logger.error("the language model's quota is used up")  # noqa: TRY400
        else:
            logger.warning("the language model is asked too often")
        retry_after_s = _retry_after_s(error) or TRY_AGAIN_S
        raise DependencyUnavailable(WHAT, retry_after_s) from None
    except openai.APIStatusError as error:
        status = error.status_code
        if status in _PASSING or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            logger.warning("the language model has an error (%d)", status)
        else:  # our key, our model's name or our schema: somebody has to mend it
            logger.error("the language model refuses our requests (%d)", status)  # noqa: TRY400
        raise DependencyFailed(WHAT, _retry_after_s(error) or TRY_AGAIN_S) from None
    except (openai.OpenAIError, httpx2.HTTPError) as error:
        logger.warning("the language model broke off: %s", type(error).__name__)
        raise DependencyFailed(WHAT, TRY_AGAIN_S) from None


@cache
def _tool(function: Function[Form]) -> "ChatCompletionFunctionToolParam":
    """Return the function as the API describes it, with a schema that the model has to keep to.

    Source: https://platform.openai.com/docs/guides/structured-outputs (supported schemas)
    """
    tool = openai.pydantic_function_tool(
        function.parameters, name=function.name, description=function.purpose
    )
    tool["function"]["parameters"] = _strict(tool["function"]["parameters"])
    return tool


def _strict(schema: Any) -> Any:  # noqa: ANN401 - JSON
    """Say only what strict schemas may; the answer is held against the whole all the same."""
    if isinstance(schema, dict):
        return {
            "anyOf" if key == "oneOf" else key: _strict(value)
            for key, value in schema.items()
            if key not in _UNKNOWN_TO_STRICT_SCHEMAS
        }
    return [_strict(each) for each in schema] if isinstance(schema, list) else schema


def _message(said: Message) -> "ChatCompletionMessageParam":
    match said:
        case Message(by="assistant", text=text, call=call) if call is not None:
            return {
                "role": "assistant",
                "content": text or None,
                "tool_calls": [
                    {
                        "id": call.id,
                        "type": "function",
                        "function": {"name": call.function, "arguments": call.arguments},
                    }
                ],
            }
        case Message(by="tool", text=text, call=call) if call is not None:
            return {"role": "tool", "tool_call_id": call.id, "content": text}
        case Message(by="system", text=text):
            return {"role": "system", "content": text}
        case Message(by="user", text=text):
            return {"role": "user", "content": text}
        case _:
            return {"role": "assistant", "content": said.text}
