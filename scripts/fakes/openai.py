"""Fake of a language model server with OpenAI's Chat Completions API.

Source: https://platform.openai.com/docs/api-reference/chat
"""

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from itertools import count, islice
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route, Router

from scripts.fakes.conversation import Speech, reply_to
from scripts.fakes.faults import CutError, Failing

DEFAULT_TOKENS_PER_S = 50.0
"""The rate without FAKE_TOKENS_PER_S."""

_TOKEN = re.compile(r"\s*\S{1,8}|\s+")
_TOKENS_PER_ARGUMENTS_DELTA = 8  # apps do not show arguments as text


@dataclass(frozen=True)
class Scripted:
    """A reply for one request.

    The stream breaks after `cut_after` deltas, and stalls after `silent_after` deltas.
    """

    speech: Speech
    finish_reason: str | None = None
    """None: derived from the reply."""

    cut_after: int | None = None
    silent_after: int | None = None
    is_call_one_segment: bool = False
    """Whether the function call and the rest of the stream arrive in one TCP segment."""

    never_closes: bool = False
    """The connection stays open after the last delta."""


@dataclass
class OpenAi:
    """The server. It sends the replies in `script` first, then those of `compose`.

    `tokens_per_s` of 0 means no delay.
    """

    tokens_per_s: float = DEFAULT_TOKENS_PER_S
    script: list[Scripted] = field(default_factory=list)
    requests: list[dict[str, Any]] = field(default_factory=list)
    """Received requests, oldest first."""

    open_streams: int = 0
    """Number of open streams."""

    context_tokens: int | None = None
    """Rejects a request whose messages have more tokens. None: accepts all."""

    compose: Callable[[dict[str, Any]], Speech] = reply_to
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def app(self) -> Failing:
        """Return the server."""
        return Failing(
            Router(
                [
                    Route("/v1/chat/completions", self._complete, methods=["POST"]),
                    Route("/v1/models", self._models),
                ]
            )
        )

    async def _models(self, _request: Request) -> Response:
        model = {"id": "fake", "object": "model", "created": 0, "owned_by": "this machine"}
        return JSONResponse({"object": "list", "data": [model]})

    async def _complete(self, request: Request) -> Response:
        body = await request.json()
        self.requests.append(body)
        if self.context_tokens and _usage(body, Speech())["prompt_tokens"] > self.context_tokens:
            return JSONResponse(_CONTEXT_EXCEEDED, 400)
        # A scripted reply serves one request, so a test can script a failure and then a success.
        scripted = self.script.pop(0) if self.script else Scripted(self.compose(body))
        head = {
            "id": f"chatcmpl-{next(self._numbers)}",
            "created": int(time.time()),
            "model": body["model"],
        }
        if body.get("stream"):
            events = self._stream(body, head, scripted)
            return StreamingResponse(events, media_type="text/event-stream")
        return JSONResponse(_whole(body, head, scripted))

    async def _stream(
        self, body: dict[str, Any], head: dict[str, Any], scripted: Scripted
    ) -> AsyncIterator[str]:
        self.open_streams += 1
        try:
            for number, delta in enumerate(_deltas(scripted.speech)):
                if number == scripted.cut_after:
                    raise CutError
                if number == scripted.silent_after:
                    # Longer than the timeout of any test.
                    await asyncio.sleep(60)
                if scripted.is_call_one_segment and "tool_calls" in delta:
                    rest = islice(_deltas(scripted.speech), number, None)
                    yield "".join(_event(head, each) for each in rest)
                    break
                yield _event(head, delta)
                if self.tokens_per_s:
                    await asyncio.sleep(1 / self.tokens_per_s)
            # OpenAI sends the finish reason alone, then the usage in a chunk without choices.
            yield _event(head, {}, _finish_reason(scripted))
            if scripted.never_closes:
                await asyncio.sleep(60)
            if (body.get("stream_options") or {}).get("include_usage"):
                usage = {**_chunk(head), "choices": [], "usage": _usage(body, scripted.speech)}
                yield f"data: {json.dumps(usage)}\n\n"
            yield "data: [DONE]\n\n"
        finally:
            self.open_streams -= 1


_CONTEXT_EXCEEDED = {
    "error": {
        "message": "This model's maximum context length is exceeded. Reduce the messages.",
        "type": "invalid_request_error",
        "param": "messages",
        "code": "context_length_exceeded",
    }
}


def _finish_reason(scripted: Scripted) -> str:
    return scripted.finish_reason or ("tool_calls" if scripted.speech.function else "stop")


def _deltas(speech: Speech) -> Iterator[dict[str, Any]]:
    # OpenAI sends the role first, with empty content.
    yield {"role": "assistant", "content": ""}
    for token in _TOKEN.findall(speech.text):
        yield {"content": token}
    if speech.refusal:
        yield {"refusal": speech.refusal}
    if speech.function is None:
        return
    # The first delta of a call has the id and the name. The next ones have parts of the arguments.
    call = {"index": 0, "id": "call_1", "type": "function"}
    yield {"tool_calls": [{**call, "function": {"name": speech.function, "arguments": ""}}]}
    tokens = _TOKEN.findall(speech.arguments)
    within = iter(_TOKEN.findall(speech.text_within_call))
    for begin in range(0, len(tokens), _TOKENS_PER_ARGUMENTS_DELTA):
        part = "".join(tokens[begin : begin + _TOKENS_PER_ARGUMENTS_DELTA])
        yield {"tool_calls": [{"index": 0, "function": {"arguments": part}}]}
        yield from ({"content": token} for token in islice(within, 1))
    for token in (*within, *_TOKEN.findall(speech.text_after_call)):
        yield {"content": token}


def _chunk(head: dict[str, Any]) -> dict[str, Any]:
    return {**head, "object": "chat.completion.chunk"}


def _event(head: dict[str, Any], delta: dict[str, Any], finish_reason: str | None = None) -> str:
    choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
    return f"data: {json.dumps({**_chunk(head), 'choices': [choice]})}\n\n"


def _whole(body: dict[str, Any], head: dict[str, Any], scripted: Scripted) -> dict[str, Any]:
    speech = scripted.speech
    message: dict[str, Any] = {"role": "assistant", "content": speech.whole_text or None}
    if speech.refusal:
        message["refusal"] = speech.refusal
    if speech.function is not None:
        function = {"name": speech.function, "arguments": speech.arguments}
        message["tool_calls"] = [{"id": "call_1", "type": "function", "function": function}]
    choice = {"index": 0, "message": message, "finish_reason": _finish_reason(scripted)}
    usage = _usage(body, speech)
    return {**head, "object": "chat.completion", "choices": [choice], "usage": usage}


def _usage(body: dict[str, Any], speech: Speech) -> dict[str, int]:
    prompt = len(_TOKEN.findall(json.dumps(body["messages"])))
    completion = len(_TOKEN.findall(speech.whole_text + speech.arguments))
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
    }
