"""The methods of both hubs.

Source: contract, heading "Chat".
"""

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from math import ceil
from typing import Generic

from functions.chat.hub import Client, Method
from shared.errors import LiftLogError, RateLimited, RequestTooLong, ResponseTooLong
from shared.planner.conversation import DEFAULT_LOCALE, Conversation
from shared.planner.partial_plan import Plan
from shared.schemas.ai import LongWorkoutPlan
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


class _ReplySender(Generic[Plan]):
    """Sends the newest state of one reply to the client.

    Text and plan are sent in the order of the updates, so the last update arrives last.
    """

    def __init__(self, client: Client, to_message: Callable[[Plan], ChatMessage]) -> None:
        self._client = client
        self._to_message = to_message
        self._plan_key = object()
        self.text = ""

    def update_text(self, text: str) -> None:
        """Send the text so far."""
        self.text = text
        self._client.invoke(_RECEIVE, MessageResponse(message=text), self)

    def update_plan(self, plan: Plan) -> None:
        """Send the plan so far."""
        self._client.invoke(_RECEIVE, self._to_message(plan), self._plan_key)


class _ClientConversation(Generic[Plan]):
    """The conversation of one client. A new request stops the reply to the previous one."""

    def __init__(
        self,
        client: Client,
        conversation: Conversation[Plan],
        to_message: Callable[[Plan], ChatMessage],
    ) -> None:
        self._client = client
        self._conversation = conversation
        self._to_message = to_message
        self._lock = asyncio.Lock()
        self._replying: asyncio.Task[object] | None = None

    async def introduce(self, locale: str, unit: str | None = None) -> None:
        """Reply with an introduction, in the language of `locale`."""
        known = locale if _LOCALE.fullmatch(locale) else DEFAULT_LOCALE
        async with self._new_reply() as sender:
            await self._conversation.introduce(known, unit, sender)

    async def reply(self, text: str) -> None:
        """Reply to a message of the user."""
        async with self._new_reply() as sender:
            await self._conversation.reply(text, sender)

    async def restart(self) -> None:
        """Stop the reply and forget the conversation."""
        self._cancel_reply()
        async with self._lock:
            self._conversation.restart()

    async def stop(self) -> None:
        """Stop the reply, if there is one."""
        self._cancel_reply()

    @asynccontextmanager
    async def _new_reply(self) -> AsyncIterator[_ReplySender[Plan]]:
        """Stop the previous reply, and run the next. If it fails, an apology is its last message.

        The apology also follows a plan: the plan is incomplete, and apps show the last message.
        """
        self._cancel_reply()
        self._replying = asyncio.current_task()
        # The previous reply adds its text to the history before it ends. Wait for that.
        async with self._lock:
            sender = _ReplySender(self._client, self._to_message)
            try:
                yield sender
            except LiftLogError as error:
                sender.update_text("\n\n".join(filter(None, (sender.text, _apology(error)))))

    def _cancel_reply(self) -> None:
        if self._replying is not None:
            self._replying.cancel()
            self._replying = None


class ChatHub:
    """`/ai-chat`, for one client."""

    def __init__(self, client: Client, conversation: Conversation[LongWorkoutPlan]) -> None:
        self._conversation = _ClientConversation(
            client, conversation, lambda plan: ChatPlan.model_construct(plan=plan)
        )

    @property
    def methods(self) -> Mapping[str, Method]:
        """The methods that a client may invoke."""
        return {
            "Introduce": Method(self._conversation.introduce, {"locale": str}),
            "SendMessage": Method(self._conversation.reply, {"message": str}),
            "RestartChat": Method(self._conversation.restart, {}),
            "StopInProgress": Method(self._conversation.stop, {}),
        }


class ChatHubV2:
    """`/ai-chat-v2`, for one client. Its app may be too old for the current plan version."""

    def __init__(self, client: Client, conversation: Conversation[Program]) -> None:
        self._client = client
        self._conversation = _ClientConversation(
            client, conversation, lambda plan: ChatPlanV2.of_program(plan, now().date())
        )

    @property
    def methods(self) -> Mapping[str, Method]:
        """The methods that a client may invoke."""
        version = {"clientPlanVersion": int}
        return {
            "Introduce": Method(
                self.introduce, {"locale": str, **version, "preferredWeightUnit": str}
            ),
            "SendMessage": Method(self.send_message, {"message": str, **version}),
            "RestartChat": Method(self._conversation.restart, {}),
            "StopInProgress": Method(self._conversation.stop, {}),
        }

    async def introduce(self, locale: str, client_plan_version: int, unit: str) -> None:
        """Reply with an introduction."""
        if self._accepts(client_plan_version):
            await self._conversation.introduce(locale, _UNITS.get(unit.lower()))

    async def send_message(self, message: str, client_plan_version: int) -> None:
        """Reply to a message of the user."""
        if self._accepts(client_plan_version):
            await self._conversation.reply(message)

    def _accepts(self, version: int) -> bool:
        """Return whether the app can read the current plans; if not, request an update."""
        if version < PLAN_VERSION:
            # A new key each time: one message must precede each completion.
            self._client.invoke(_RECEIVE, UpdateRequired(), object())
        return version >= PLAN_VERSION


def _apology(error: LiftLogError) -> str:
    match error:
        case ResponseTooLong():
            return "That is too long for me. Please ask for less, for example for fewer weeks."
        case RequestTooLong():
            return "Our conversation is too long for me. Please begin a new one."
        case RateLimited():
            return _apology_for_limit(error)
    return "I cannot be reached at the moment. Please try again in a few minutes."


def _apology_for_limit(error: RateLimited) -> str:
    if error.retry_after_s > _HOUR_S:
        wait = f"{ceil(error.retry_after_s / _HOUR_S)} hours"
    elif error.retry_after_s > _MINUTE_S:
        wait = f"{ceil(error.retry_after_s / _MINUTE_S)} minutes"
    else:
        wait = "a minute"
    return f"You have reached the limit of messages per day. You can send the next one in {wait}."
