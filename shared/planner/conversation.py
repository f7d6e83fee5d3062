"""A conversation with the AI coach, whose text and plans arrive in parts."""

import asyncio
import itertools
import logging
from collections.abc import Awaitable, Callable
from typing import Generic, Protocol, TypeVar

from pydantic import BaseModel

from shared.errors import DependencyFailed, DependencyTimedOut, LiftLogError, RequestTooLong
from shared.planner.context import token_count
from shared.planner.history import History
from shared.planner.links import keep_known_links
from shared.planner.messages import Function, FunctionCall, Message
from shared.planner.model import DEPENDENCY, RETRY_AFTER_S, Model
from shared.planner.model_response import ModelResponse
from shared.planner.partial_plan import PartialPlan, Plan, PlanSchema
from shared.planner.prompts import INTRODUCE, PLAN_SHOWN, coach_prompt
from shared.planner.tool_arguments import InvalidFunctionCall, parse_arguments, request_correction

logger = logging.getLogger(__name__)

Admit = Callable[[], Awaitable[None]]

DEFAULT_LOCALE = "en-AU"

# A text that ends at the token limit is still useful. A plan is not: see `tool_arguments`.
_COMPLETE = ("stop", "length")

# A chunk has a few characters, and each reading of a plan parses and sends all of it. A share of
# the length keeps the total work linear in the length of the plan: at most 51 times that of the
# last reading, and 11 times for a plan of months.
_MIN_NEW_CHARACTERS = 32
_MIN_NEW_SHARE = 0.02
_LONG_PLAN_CHARACTERS = 100_000
_MIN_NEW_SHARE_OF_LONG_PLAN = 0.1

# The estimate of tokens may be too low, or the setting of the context too high. A server rejects a
# request that is too long at once, and does not charge for it.
_MAX_REDUCTIONS = 4
_MIN_REDUCED_TOKENS = 500

Plan_contra = TypeVar("Plan_contra", bound=BaseModel, contravariant=True)


class ReplyObserver(Protocol[Plan_contra]):
    """Receives the states of a reply. Each state replaces the previous ones.

    The complete plan is always the last update.
    """

    def update_text(self, text: str) -> None:
        """Receive the whole text so far."""

    def update_plan(self, plan: Plan_contra) -> None:
        """Receive the whole plan so far. The last one is complete and valid."""


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
        reply = _Reply(self._schema, observer, self._history.plus(Message("user", text)))
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

    async def _reply_in_time(self, reply: "_Reply[Plan]", prompt: Message, tokens: int) -> None:
        try:
            async with asyncio.timeout(self._deadline_s):
                await self._write_reply(reply, prompt, tokens)
        except TimeoutError:
            raise DependencyTimedOut(DEPENDENCY, RETRY_AFTER_S) from None

    async def _write_reply(self, reply: "_Reply[Plan]", prompt: Message, tokens: int) -> None:
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

    async def _respond(self, reply: "_Reply[Plan]", prompt: Message) -> ModelResponse:
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


class _Reply(Generic[Plan]):
    """One reply of the coach, from one or two responses of the model, and the history before it."""

    def __init__(
        self, schema: PlanSchema[Plan], observer: ReplyObserver[Plan], history: History
    ) -> None:
        self.history = history
        self._schema = schema
        self._observer = observer
        self._notice = ""
        self._previous_text = ""
        self._text = ""
        self._read_characters = 0
        self._plan = PartialPlan(schema, history.links)
        self._call: FunctionCall | None = None

    def fit(self, tokens: int) -> None:
        """Shorten the history, and note what was left out for the first time."""
        self.history, notice = self.history.fit(tokens)
        self._notice = _join(self._notice, notice)

    def begin(self) -> None:
        """Begin the reply with what was left out for the first time."""
        if self._notice:
            self._observer.update_text(self._notice)

    def update(self, response: ModelResponse) -> None:
        """Pass changes to the observer."""
        text = _join(self._previous_text, response.text)
        if text != self._text:
            self._text = text
            self._observer.update_text(_join(self._notice, text))
        length, read = response.arguments_length, self._read_characters
        if length - read >= _min_new_characters(read):
            self._read_characters = length
            plan = self._plan.read(response.arguments)
            if plan is not None:
                self._observer.update_plan(plan)

    def begin_correction(self) -> None:
        """Keep the text of the first response, and drop its plan."""
        self._previous_text = self._text
        self._read_characters = 0
        self._plan = PartialPlan(self._schema, self.history.links)

    def finish(self, plan: Plan, call: FunctionCall | None) -> None:
        """Pass the complete plan to the observer."""
        self._observer.update_plan(keep_known_links(plan, self.history.links))
        self._call = call

    def messages(self) -> list[Message]:
        """Return the messages for the history; with a plan only if it is complete."""
        if self._call is not None:
            return [
                Message("assistant", self._text, self._call),
                Message("tool", PLAN_SHOWN, self._call),
            ]
        return [Message("assistant", self._text)] if self._text else []


def _join(*texts: str) -> str:
    return "\n\n".join(filter(None, texts))


def _min_new_characters(read: int) -> float:
    share = _MIN_NEW_SHARE if read < _LONG_PLAN_CHARACTERS else _MIN_NEW_SHARE_OF_LONG_PLAN
    return max(_MIN_NEW_CHARACTERS, read * share)
