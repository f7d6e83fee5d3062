"""The client of the language model, for any server with OpenAI's Chat Completions API.

Source: https://platform.openai.com/docs/api-reference/chat
"""

import asyncio
import itertools
import json
import logging
import random
import re
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
from shared.errors import (
    DependencyFailed,
    DependencyTimedOut,
    DependencyUnavailable,
    RequestTooLong,
    ResponseTooLong,
)
from shared.planner.messages import Arguments, Function, Message
from shared.planner.model_response import ModelResponse
from shared.planner.settings import ModelSettings
from shared.planner.tokens import count_tokens
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

DEPENDENCY = "the language model"
RETRY_AFTER_S = 10
_OPERATION, _PROVIDER = "chat", "openai"
_CONNECT_TIMEOUT_S = 5
_MAX_RETRY_AFTER_S = 3600

# A longer Retry-After is passed on to the client instead: the user waits for the response.
_FIRST_PAUSE_S = 0.5
_MAX_PAUSE_S = 5

# The usage follows the last text at once, and some servers never close the stream.
_USAGE_TIMEOUT_S = 1

# A server may ignore `max_completion_tokens`, so this client limits the length as well. Tokens of
# plans have about 4 characters.
_MAX_TEXT_CHARACTERS = 100_000
_MAX_CHARACTERS_PER_TOKEN = 16

# OpenAI's own library retries the same statuses, and 5xx.
_TRANSIENT = (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.CONFLICT, HTTPStatus.TOO_MANY_REQUESTS)

# The library raises these for a chunk that is not JSON, or that has fields of the wrong type.
_MALFORMED_CHUNK = (ValueError, TypeError, AttributeError, RecursionError)

# OpenAI rejects strict schemas with the first three. Servers differ in their support of `pattern`.
# Azure rejects `maxItems`. llama.cpp multiplies the values of nested lists, and rejects a product
# over 2,000. Source: https://github.com/ggml-org/llama.cpp/issues/27087
_UNSUPPORTED_IN_STRICT_SCHEMAS = frozenset(
    {"discriminator", "maxLength", "minLength", "pattern", "maxItems"}
)

# Of OpenAI, and of llama.cpp. Other servers have only a message.
_TOO_LONG_CODES = ("context_length_exceeded", "exceed_context_size_error")
_TOO_LONG = re.compile(r"\bcontext (length|size|window)\b|\brequest too large\b", re.IGNORECASE)


class Model:
    """Sends requests to the model, and limits the time and length of responses."""

    def __init__(self, settings: ModelSettings, secrets: Secrets, http: Client) -> None:
        self._settings = settings
        self._client = AsyncOpenAI(
            api_key=secrets.get(settings, "api_key").value,
            base_url=str(settings.base_url),
            http_client=http,
            timeout=httpx2.Timeout(settings.silence_s, connect=_CONNECT_TIMEOUT_S),
            # The library's retries obey a Retry-After of up to two minutes.
            max_retries=0,
        )

    def conversation_tokens(self, function: Function[Arguments], prompt: str) -> int:
        """Return how many tokens are left for a conversation in the model's context.

        The prompt, the schema of `function` and a response of the maximum length are subtracted.
        """
        used = count_tokens(prompt) + count_tokens(json.dumps(_tool(function)))
        return self._settings.context_tokens - self._settings.max_tokens - used

    async def respond(
        self,
        function: Function[Arguments],
        messages: Sequence[Message],
        *,
        must_call: bool,
        on_update: Callable[[ModelResponse], None] = lambda _response: None,
    ) -> ModelResponse:
        """Return the response to `messages`. The model may call `function`, or `must_call` it.

        The response is complete, but its text and arguments are unchecked. `on_update` receives
        the response so far after each chunk, also if the rest never arrives. Cancellation closes
        the connection, so the model stops.

        Raises:
            DependencyTimedOut: no chunk arrived for too long.
            ResponseTooLong: the response exceeds the limit of this client.
            RequestTooLong: the messages exceed the context of the model.
            DependencyFailed: the response was cut, or the request was rejected.
            DependencyUnavailable: the model is overloaded, or its key is missing.
        """
        response = ModelResponse()
        params = [_to_param(each) for each in messages]
        started = time.monotonic()
        with _measure(self._settings.model, response):
            with _translate_errors():
                stream = await self._open_stream(_tool(function), params, must_call=must_call)
                async with stream as chunks:
                    await self._add_all(chunks, response, on_update)
            logger.info(
                "model %s: %d prompt tokens, %d completion tokens, %d ms, ended by %s",
                self._settings.model,
                response.prompt_tokens,
                response.completion_tokens,
                (time.monotonic() - started) * 1000,
                response.finish_reason,
                extra={"json_fields": response.usage},
            )
            if self._is_too_long(response):
                logger.warning("the language model's response is too long")
                raise ResponseTooLong(DEPENDENCY, RETRY_AFTER_S)
            if response.finish_reason is None:
                logger.warning("the language model's response is cut")
                raise DependencyFailed(DEPENDENCY, RETRY_AFTER_S)
        return response

    async def _open_stream(
        self,
        tool: "ChatCompletionFunctionToolParam",
        messages: "list[ChatCompletionMessageParam]",
        *,
        must_call: bool,
    ) -> AsyncStream[object]:
        """Send the request. Retries are safe: the caller has not received any chunk yet."""
        choice: ChatCompletionToolChoiceOptionParam = "auto"
        if must_call:
            choice = {"type": "function", "function": {"name": tool["function"]["name"]}}
        body: CompletionCreateParamsStreaming = {
            "model": self._settings.model,
            "messages": messages,
            "tools": [tool],
            "tool_choice": choice,
            # OpenAI: parallel calls may violate strict schemas.
            "parallel_tool_calls": False,
            "max_completion_tokens": self._settings.max_tokens,
            "stream": True,
            # Without it, a stream has no token counts.
            "stream_options": {"include_usage": True},
        }
        for attempt in itertools.count():
            try:
                return await self._client.post(
                    "/chat/completions",
                    body=body,
                    # Plain objects: the library's own objects cost more processor time than all
                    # further work on the chunks.
                    cast_to=object,
                    stream=True,
                    stream_cls=AsyncStream[object],
                )
            except (openai.APIConnectionError, openai.APIStatusError) as error:
                if attempt >= self._settings.retries or not _is_retryable(error):
                    raise
                max_pause_s = min(_FIRST_PAUSE_S * 2**attempt, _MAX_PAUSE_S)
                retry_after_s = _retry_after_s(error) or 0
                await asyncio.sleep(max(retry_after_s, random.uniform(0, max_pause_s)))  # noqa: S311
        raise AssertionError("the loop ends by returning or raising")

    async def _add_all(
        self,
        chunks: AsyncStream[object],
        response: ModelResponse,
        on_update: Callable[[ModelResponse], None],
    ) -> None:
        """Add all chunks to `response`. Stop when it is too long."""
        iterator = aiter(chunks)
        with suppress(TimeoutError):
            async with asyncio.timeout(None) as deadline:
                while not self._is_too_long(response):
                    try:
                        chunk = await anext(iterator, None)
                        if chunk is None:
                            return
                        response.add(chunk)
                    except _MALFORMED_CHUNK as error:
                        logger.warning(
                            "the language model sent a malformed chunk: %s", type(error).__name__
                        )
                        raise DependencyFailed(DEPENDENCY, RETRY_AFTER_S) from None
                    if not self._is_too_long(response):
                        on_update(response)
                    if response.finish_reason is not None and deadline.when() is None:
                        deadline.reschedule(asyncio.get_running_loop().time() + _USAGE_TIMEOUT_S)

    def _is_too_long(self, response: ModelResponse) -> bool:
        max_characters = self._settings.max_tokens * _MAX_CHARACTERS_PER_TOKEN
        return (
            response.text_length > _MAX_TEXT_CHARACTERS
            or response.arguments_length > max_characters
        )


def _is_retryable(error: openai.APIConnectionError | openai.APIStatusError) -> bool:
    if isinstance(error, openai.APIConnectionError):
        return not _is_read_timeout(error)  # a retry would double a long wait
    is_final = _is_quota_exhausted(error) or _is_request_too_long(error)
    if is_final or (_retry_after_s(error) or 0) > _MAX_PAUSE_S:
        return False
    return error.status_code in _TRANSIENT or error.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR


def _is_read_timeout(error: openai.APIConnectionError) -> bool:
    """Whether the server accepted the connection and then sent nothing."""
    is_timeout = isinstance(error, openai.APITimeoutError)
    return is_timeout and not isinstance(error.__cause__, httpx2.ConnectTimeout)


def _is_quota_exhausted(error: openai.APIError) -> bool:
    return error.code == "insufficient_quota"


def _is_request_too_long(error: openai.APIError) -> bool:
    # OpenAI also returns 429 for a request that exceeds the whole limit of tokens per minute.
    kinds = (error.code, error.type)  # of any type: the server sets them
    is_known = any(code in kinds for code in _TOO_LONG_CODES)
    return is_known or _TOO_LONG.search(error.message) is not None


def _retry_after_s(error: openai.APIError) -> int | None:
    if not isinstance(error, openai.APIStatusError):
        return None
    try:
        seconds = float(error.response.headers["retry-after"])
    except (KeyError, ValueError):  # absent, or a date
        return None
    return ceil(max(1, min(seconds, _MAX_RETRY_AFTER_S))) if isfinite(seconds) else None


@contextmanager
def _measure(model: str, response: ModelResponse) -> Iterator[None]:
    """Record the duration of a response, its error and its tokens."""
    labels: dict[str, str] = {
        "gen_ai_operation_name": _OPERATION,
        "gen_ai_provider_name": _PROVIDER,
        "gen_ai_request_model": model,
    }
    error_type, started = None, time.monotonic()
    try:
        with span(f"{_OPERATION} {model}"):
            yield
    except BaseException as error:
        error_type = type(error).__name__
        raise
    finally:
        add(OPERATION_DURATION, time.monotonic() - started, **labels, error_type=error_type)
        tokens = {"input": response.prompt_tokens, "output": response.completion_tokens}
        for kind, count in tokens.items():
            if count:
                add(TOKEN_USAGE, count, **labels, gen_ai_token_type=kind)


@contextmanager
def _translate_errors() -> Iterator[None]:
    """Raise the errors of this project. The library's errors quote the server, so drop them."""
    try:
        yield
    except openai.APIConnectionError as error:
        logger.warning("the language model cannot be reached: %s", type(error).__name__)
        failure = DependencyTimedOut if _is_read_timeout(error) else DependencyFailed
        raise failure(DEPENDENCY, RETRY_AFTER_S) from None
    except openai.APIStatusError as error:
        raise _failure_of(error) from None
    except (openai.OpenAIError, httpx2.HTTPError) as error:
        logger.warning("the language model cut the response: %s", type(error).__name__)
        raise DependencyFailed(DEPENDENCY, RETRY_AFTER_S) from None


def _failure_of(error: openai.APIStatusError) -> DependencyUnavailable:
    """Log a rejection of the server, and return the error of this project for it."""
    retry_after_s = _retry_after_s(error) or RETRY_AFTER_S
    status = error.status_code
    if _is_request_too_long(error):
        logger.info("the request is too long for the language model (%d)", status)
        return RequestTooLong(DEPENDENCY, retry_after_s)
    if isinstance(error, openai.RateLimitError):
        if _is_quota_exhausted(error):
            logger.error("the language model's quota is exhausted")
        else:
            logger.warning("the language model's rate limit is reached")
        return DependencyUnavailable(DEPENDENCY, retry_after_s)
    if status in _TRANSIENT or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        logger.warning("the language model returned %d", status)
    else:  # the key, the model's name or the schema is wrong: an operator must act
        logger.error("the language model rejected the request (%d)", status)
    return DependencyFailed(DEPENDENCY, retry_after_s)


@cache
def _tool(function: Function[Arguments]) -> "ChatCompletionFunctionToolParam":
    """Return the function in the form of the API, with a strict schema.

    Source: https://platform.openai.com/docs/guides/structured-outputs (supported schemas)
    """
    tool = openai.pydantic_function_tool(
        function.parameters, name=function.name, description=function.description
    )
    tool["function"]["parameters"] = _strict(tool["function"]["parameters"])
    return tool


def _strict(schema: object) -> Any:  # noqa: ANN401 - JSON schema
    # `parse_arguments` checks the arguments against the complete schema.
    if isinstance(schema, dict):
        return {
            "anyOf" if key == "oneOf" else key: _strict(value)
            for key, value in schema.items()
            if key not in _UNSUPPORTED_IN_STRICT_SCHEMAS
        }
    return [_strict(each) for each in schema] if isinstance(schema, list) else schema


def _to_param(message: Message) -> "ChatCompletionMessageParam":
    match message:
        case Message(role="assistant", text=text, call=call) if call is not None:
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
        case Message(role="tool", text=text, call=call) if call is not None:
            return {"role": "tool", "tool_call_id": call.id, "content": text}
        case Message(role="system", text=text):
            return {"role": "system", "content": text}
        case Message(role="user", text=text):
            return {"role": "user", "content": text}
        case _:
            return {"role": "assistant", "content": message.text}
