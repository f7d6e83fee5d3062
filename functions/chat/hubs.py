"""The methods of both hubs.

Source: contract, heading "Chat".
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from math import ceil
from typing import Generic

from functions.chat.hub import Client, Method
from shared.errors import LiftLogError, RateLimited
from shared.planner.conversation import DEFAULT_LOCALE, Audience, Conversation
from shared.planner.partial_plan import Plan
from shared.schemas.ai import WorkoutPlan
from shared.schemas.blueprint import PLAN_VERSION, Program
from shared.schemas.chat import (
    ChatMessage,
    ChatPlan,
    ChatPlanV2,
    MessageResponse,
    UpdateRequired,
)
from shared.timestamps import now

_LOCALE = re.compile(r"[a-zA-Z]{2}-[a-zA-Z]{2}")
_UNITS = {"kilograms": "kilograms (kg)", "pounds": "pounds (lb)"}
_RECEIVE = "ReceiveMessage"
_MINUTE_S, _HOUR_S = 60, 3600


class _Turns(Generic[Plan]):
    """The replies of one chat, one after the other: a newer wish ends the reply to an older one."""

    def __init__(
        self, client: Client, chat: Conversation[Plan], show: Callable[[Plan], ChatMessage]
    ) -> None:
        self._client = client
        self._chat = chat
        self._show = show
        self._turn = asyncio.Lock()
        self._replying: asyncio.Task[object] | None = None

    async def reply(
        self, begin: Callable[[Conversation[Plan], Audience[Plan]], Awaitable[None]]
    ) -> None:
        """Have a reply made; if it fails, send an apology as its last message.

        The apology also follows a plan: that plan is incomplete, and apps show the last message.
        """
        self.stop()
        self._replying = asyncio.current_task()
        async with self._turn:
            listener = _Listener(self._client, self._show)
            try:
                await begin(self._chat, listener)
            except LiftLogError as error:
                listener.hear("\n\n".join(filter(None, (listener.heard, _sorry(error)))))

    def stop(self) -> None:
        """End the reply that is under way, if there is one."""
        if self._replying is not None:
            self._replying.cancel()
            self._replying = None

    async def restart(self) -> None:
        """Forget the talk."""
        self.stop()
        async with self._turn:
            self._chat.restart()


class _Listener(Generic[Plan]):
    """Sends one reply to the client: the newest state of its text, and of its plan.

    Text and plan are sent in the order of the calls, so the state of the last call arrives last.
    """

    def __init__(self, client: Client, show: Callable[[Plan], ChatMessage]) -> None:
        self._client = client
        self._show = show
        self._plan = object()
        self.heard = ""

    def hear(self, text: str) -> None:
        """Show the words so far."""
        self.heard = text
        self._client.call(_RECEIVE, MessageResponse(message=text), self)

    def see(self, plan: Plan) -> None:
        """Show the plan so far."""
        self._client.call(_RECEIVE, self._show(plan), self._plan)


class ChatHub:
    """`/ai-chat`, for one client."""

    def __init__(self, client: Client, chat: Conversation[WorkoutPlan]) -> None:
        self._turns = _Turns(client, chat, lambda plan: ChatPlan.model_construct(plan=plan))

    @property
    def methods(self) -> Mapping[str, Method]:
        """What a client may call."""
        return {
            "Introduce": Method(self.introduce, {"locale": str}),
            "SendMessage": Method(self.send_message, {"message": str}),
            **_in_common(self._turns),
        }

    async def introduce(self, locale: str) -> None:
        """Let the coach introduce itself."""
        await self._turns.reply(lambda chat, to: chat.introduce(_locale(locale), None, to))

    async def send_message(self, message: str) -> None:
        """Let the coach answer."""
        await self._turns.reply(lambda chat, to: chat.say(message, to))


class ChatHubV2:
    """`/ai-chat-v2`, for one client, whose app may be too old for our plans."""

    def __init__(self, client: Client, chat: Conversation[Program]) -> None:
        self._client = client
        self._turns = _Turns(client, chat, lambda plan: ChatPlanV2.of_program(plan, now().date()))

    @property
    def methods(self) -> Mapping[str, Method]:
        """What a client may call."""
        version = {"clientPlanVersion": int}
        return {
            "Introduce": Method(
                self.introduce, {"locale": str, **version, "preferredWeightUnit": str}
            ),
            "SendMessage": Method(self.send_message, {"message": str, **version}),
            **_in_common(self._turns),
        }

    async def introduce(self, locale: str, client_plan_version: int, unit: str) -> None:
        """Let the coach introduce itself."""
        if self._understands(client_plan_version):
            kept = _UNITS.get(unit.lower())
            await self._turns.reply(lambda chat, to: chat.introduce(_locale(locale), kept, to))

    async def send_message(self, message: str, client_plan_version: int) -> None:
        """Let the coach answer."""
        if self._understands(client_plan_version):
            await self._turns.reply(lambda chat, to: chat.say(message, to))

    def _understands(self, version: int) -> bool:
        if version < PLAN_VERSION:
            # A key of its own: each completion comes after the message of its own call.
            self._client.call(_RECEIVE, UpdateRequired(), object())
        return version >= PLAN_VERSION


def _in_common(turns: _Turns[Plan]) -> Mapping[str, Method]:
    async def stop() -> None:
        turns.stop()

    return {"RestartChat": Method(turns.restart, {}), "StopInProgress": Method(stop, {})}


def _locale(wanted: str) -> str:
    return wanted if _LOCALE.fullmatch(wanted) else DEFAULT_LOCALE


def _sorry(error: LiftLogError) -> str:
    if not isinstance(error, RateLimited):
        return "I cannot be reached at the moment. Please try again in a few minutes."
    if error.retry_after_s > _HOUR_S:
        wait = f"{ceil(error.retry_after_s / _HOUR_S)} hours"
    elif error.retry_after_s > _MINUTE_S:
        wait = f"{ceil(error.retry_after_s / _MINUTE_S)} minutes"
    else:
        wait = "a minute"
    return f"That is all that I can answer in a day. The next message passes in {wait}."
