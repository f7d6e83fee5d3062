"""A talk with the coach: words that come bit by bit, and plans that grow before the user's eyes."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Generic, Protocol, TypeVar

from pydantic import BaseModel

from shared.errors import DependencyFailed, DependencyTimedOut, LiftLogError
from shared.planner.history import History
from shared.planner.messages import Function, FunctionCall, Message
from shared.planner.model import TRY_AGAIN_S, WHAT, Model
from shared.planner.model_response import ModelResponse
from shared.planner.partial_plan import PartialPlan, Plan, PlanForm
from shared.planner.prompts import INTRODUCE, SHOWN, coach
from shared.planner.tool_arguments import Unfit, complaint, read

logger = logging.getLogger(__name__)

Admit = Callable[[], Awaitable[None]]

DEFAULT_LOCALE = "en-AU"
_FINISHED = ("stop", "length")
_WORTH_READING = 32
_SHARE_WORTH_READING = 0.02


Shown_contra = TypeVar("Shown_contra", bound=BaseModel, contravariant=True)


class Audience(Protocol[Shown_contra]):
    """Receives a reply while it grows; the newest state replaces all before it.

    The text may grow after a plan was seen, but not after the finished plan, which comes last.
    """

    def hear(self, text: str) -> None:
        """Take the whole text so far."""

    def see(self, plan: Shown_contra) -> None:
        """Take the whole plan so far; the last one is complete and valid."""


async def _everybody() -> None:
    """Refuse nobody."""


class Conversation(Generic[Plan]):
    """One client's talk. What it remembers is its own, and gone when it is dropped.

    One reply at a time: the caller sees to it.

    Args:
        model: speaks for the coach.
        form: of its plans.
        deadline_s: how long a reply may take in all.
        admit: asked before each reply; raises a `LiftLogError` if there is to be none.
    """

    def __init__(
        self, model: Model, form: PlanForm[Plan], deadline_s: float, admit: Admit = _everybody
    ) -> None:
        self._model = model
        self._form = form
        self._deadline_s = deadline_s
        self._admit = admit
        self._conversation = History()
        self._locale = DEFAULT_LOCALE
        self._unit: str | None = None

    async def introduce(self, locale: str, unit: str | None, audience: Audience[Plan]) -> None:
        """Let the coach introduce itself, in the language of `locale`; as `say`.

        Args:
            locale: as `de-DE`; kept for the whole talk.
            unit: in which the user weighs, if known; kept, too.
            audience: follows the reply.
        """
        self._locale, self._unit = locale, unit
        await self.say(INTRODUCE, audience)

    async def say(self, text: str, audience: Audience[Plan]) -> None:
        """Let the coach reply to `text`; ends with the reply.

        However it ends, what was said so far is remembered. Only a `text` that was refused, or to
        which the model had not a word to say, is not: it may be what the model cannot bear.

        Raises:
            DependencyTimedOut: it took too long.
            DependencyFailed: it broke off, had nothing to say, or did not make a valid plan.
            DependencyUnavailable: the model has too much to do.
            LiftLogError: whatever `admit` raises.
        """
        asked = self._conversation.plus(Message("user", text))
        turn = _Turn(self._form, audience)
        try:
            await self._admit()
            await self._reply(asked, turn)
        except LiftLogError:
            if not turn.said():
                asked = self._conversation
            raise
        finally:
            self._conversation = asked.plus(*turn.said())

    def restart(self) -> None:
        """Forget what was said."""
        self._conversation = History()

    async def _reply(self, asked: History, turn: "_Turn[Plan]") -> None:
        try:
            async with asyncio.timeout(self._deadline_s):
                await self._have_replied(asked, turn)
        except TimeoutError:
            raise DependencyTimedOut(WHAT, TRY_AGAIN_S) from None

    async def _have_replied(self, asked: History, turn: "_Turn[Plan]") -> None:
        function = Function("show_plan", "Show the user a training plan.", self._form.plan)
        said = [Message("system", coach(self._locale, self._unit)), *asked.said]
        reply = await self._model.reply(function, said, must_call=False, grown=turn.grown)
        if reply.call is None:
            if reply.ended not in _FINISHED or not reply.text:
                logger.warning("the model has nothing to say")
                raise DependencyFailed(WHAT, TRY_AGAIN_S)
            return
        try:
            turn.show(read(function, reply), reply.call)
        except Unfit as problem:
            logger.info("the model's plan does not fit; it may mend it")
            said += complaint(reply, str(problem))
            turn.again()
            reply = await self._model.reply(function, said, must_call=True, grown=turn.grown)
            try:
                turn.show(read(function, reply), reply.call)
            except Unfit:
                logger.warning("the model's plan still does not fit")
                raise DependencyFailed(WHAT, TRY_AGAIN_S) from None


class _Turn(Generic[Plan]):
    """A reply of the coach, which may take the model two attempts."""

    def __init__(self, form: PlanForm[Plan], audience: Audience[Plan]) -> None:
        self._form = form
        self._audience = audience
        self._before = ""
        self._text = ""
        self._read = 0
        self._growing = PartialPlan(form)
        self._call: FunctionCall | None = None

    def grown(self, reply: ModelResponse) -> None:
        """Tell the audience what is new."""
        text = "\n\n".join(filter(None, (self._before, reply.text)))
        if text != self._text:
            self._text = text
            self._audience.hear(text)
        # A piece is a few characters, and reading the plan means to read all of it.
        arguments, read = reply.arguments, self._read
        if len(arguments) - read >= max(_WORTH_READING, read * _SHARE_WORTH_READING):
            self._read = len(arguments)
            plan = self._growing.read(arguments)
            if plan is not None:
                self._audience.see(plan)

    def again(self) -> None:
        """Begin another attempt, after the words of the first."""
        self._before = self._text
        self._read = 0
        self._growing = PartialPlan(self._form)

    def show(self, plan: Plan, call: FunctionCall | None) -> None:
        """Show the finished plan."""
        self._audience.see(plan)
        self._call = call

    def said(self) -> list[Message]:
        """Return what is to be remembered: a plan only if the user has all of it."""
        if self._call is not None:
            return [
                Message("assistant", self._text, self._call),
                Message("tool", SHOWN, self._call),
            ]
        return [Message("assistant", self._text)] if self._text else []
