"""A conversation with the AI coach, whose text and plans arrive in parts."""

import asyncio
import itertools
import logging
from collections.abc import Awaitable, Callable
from typing import Generic

from shared.errors import DependencyFailed, DependencyTimedOut, LiftLogError, RequestTooLong
from shared.planner.context import token_count
from shared.planner.history import History
from shared.planner.messages import Function, Message
from shared.planner.model import DEPENDENCY, RETRY_AFTER_S, Model
from shared.planner.model_response import ModelResponse
from shared.planner.partial_plan import Plan, PlanSchema
from shared.planner.prompts import INTRODUCE, coach_prompt
from shared.planner.reply import Reply, ReplyObserver
from shared.planner.tool_arguments import InvalidFunctionCall, parse_arguments, request_correction

logger = logging.getLogger(__name__)

Admit = Callable[[], Awaitable[None]]

DEFAULT_LOCALE = "en-AU"

# A text that ends at the token limit is still useful. A plan is not: see `tool_arguments`.
_COMPLETE = ("stop", "length")

# The estimate of tokens may be too low, or the setting of the context too high. A server rejects a
# request that is too long at once, and does not charge for it.
_MAX_REDUCTIONS = 4
_MIN_REDUCED_TOKENS = 500


async def _admit_all() -> None:
    """Admit every reply."""


class Conversation(Generic[Plan]):
    """The conversation of one client, with a history in memory only.

    The caller must not request a reply before the previous one has ended.

    Args:
        model: writes the replies.
        schema: of the plans.
        deadline_s: the time limit for a reply.
        admit: runs before each reply. Raises a `LiftLogError` to prevent it.
    """

    def __init__(
        self, model: Model, schema: PlanSchema[Plan], deadline_s: float, admit: Admit = _admit_all
    ) -> None:
        self._model = model
        self._schema = schema
        self._function = Function("show_plan", "Show the user a training plan.", schema.plan)
        self._deadline_s = deadline_s
        self._admit = admit
        self._history = History()
        self._locale = DEFAULT_LOCALE
        self._unit: str | None = None

    async def introduce(self, locale: str, unit: str | None, observer: ReplyObserver[Plan]) -> None:
        """Let the coach introduce itself. Raises the same errors as `reply`.

        Args:
            locale: such as `de-DE`; applies to the whole conversation.
            unit: the user's unit for weights, if known; applies to the whole conversation.
            observer: receives the reply.
        """
        self._locale, self._unit = locale, unit
        await self.reply(INTRODUCE, observer)

    async def reply(self, text: str, observer: ReplyObserver[Plan]) -> None:
        """Let the coach reply to `text`. Returns at the end of the reply.

        After a failure or a cancellation, the history keeps the message and the partial reply. It
        drops a message that `admit` rejects, and one that fails without any reply: the model may
        fail on it each time.

        Raises:
            DependencyTimedOut: the model exceeded the deadline.
            ResponseTooLong: the reply ended at the limit of its length.
            RequestTooLong: the model cannot read the message, not even without the history.
            DependencyFailed: the reply was cut, was empty, or had no valid plan.
            DependencyUnavailable: the model is overloaded.
            LiftLogError: `admit` raised it.
        """
        prompt = Message("system", coach_prompt(self._locale, self._unit))
        tokens = self._model.conversation_tokens(self._function, prompt.text)
        reply = Reply(self._schema, observer, self._history.plus(Message("user", text)))
        reply.fit(tokens)  # before the admission: also rejected messages must not fill the memory
        try:
            await self._admit()
            await self._reply_in_time(reply, prompt, tokens)
        except LiftLogError:
            if not reply.messages():
                reply.history = self._history
            raise
        finally:  # also after a cancellation: the user has seen the partial reply
            self._history = reply.history.plus(*reply.messages())

    def restart(self) -> None:
        """Forget the history."""
        self._history = History()

    async def _reply_in_time(self, reply: Reply[Plan], prompt: Message, tokens: int) -> None:
        try:
            async with asyncio.timeout(self._deadline_s):
                await self._write_reply(reply, prompt, tokens)
        except TimeoutError:
            raise DependencyTimedOut(DEPENDENCY, RETRY_AFTER_S) from None

    async def _write_reply(self, reply: Reply[Plan], prompt: Message, tokens: int) -> None:
        response = await self._respond(reply, prompt)
        if response.call is None:
            if response.finish_reason not in _COMPLETE or not response.text:
                logger.warning("the language model's reply is empty or incomplete")
                raise DependencyFailed(DEPENDENCY, RETRY_AFTER_S)
            return
        try:
            reply.finish(parse_arguments(self._function, response), response.call)
        except InvalidFunctionCall as error:
            logger.info("the language model's plan is invalid; requesting a correction")
            correction = request_correction(response, str(error), tokens // 2)
            history, _ = reply.history.fit(tokens - token_count(correction))
            reply.begin_correction()
            response = await self._model.respond(
                self._function,
                [prompt, *history.for_model(), *correction],
                must_call=True,
                on_update=reply.update,
            )
            try:
                reply.finish(parse_arguments(self._function, response), response.call)
            except InvalidFunctionCall:
                logger.warning("the language model's corrected plan is invalid")
                raise DependencyFailed(DEPENDENCY, RETRY_AFTER_S) from None

    async def _respond(self, reply: Reply[Plan], prompt: Message) -> ModelResponse:
        """Request a response to the history. Repeat with half of it while the model rejects it."""
        for attempt in itertools.count():
            reply.begin()
            messages = [prompt, *reply.history.for_model()]
            try:
                return await self._model.respond(
                    self._function, messages, must_call=False, on_update=reply.update
                )
            except RequestTooLong:
                tokens = reply.history.token_count // 2
                if attempt >= _MAX_REDUCTIONS or tokens < _MIN_REDUCED_TOKENS:
                    logger.warning("the language model rejects also a short conversation")
                    raise
                logger.info("the conversation is too long for the model; sending half of it")
                reply.fit(tokens)
        raise AssertionError("the loop ends by returning or raising")
