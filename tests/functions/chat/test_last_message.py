"""The last message of a reply, which is the only one that apps keep.

Source: contract, heading "Chat".
"""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import pytest
from jsonschema_rs import Draft202012Validator
from pydantic import BaseModel

from scripts.fakes.conversation import Speech, reply_to
from scripts.fakes.openai import Scripted
from shared.schemas.ai import WorkoutPlan
from shared.schemas.blueprint import Program
from tests.functions.chat.chat_service import ChatService
from tests.functions.chat.hub_user import HUB_V1, HUB_V2, HubUser, connect_user
from tests.functions.chat.plan_version_3 import WHOLE_2025, WHOLE_2026
from tests.loopback import until

TEXT_BEFORE_CALL, TEXT_AFTER_CALL = "SECRET-text before the plan.", "SECRET-text after the call."
REQUEST = "SECRET-request: a plan for 2 days"
TOO_LONG = "That is too long for me. Please ask for less, for example for fewer weeks."
CHUNKS_PER_S = 50
"""Slow enough that a client receives the text before the plan."""

LONG_TEXTS = 5 * [Scripted(Speech(refusal="SECRET- " * 11_000))]
"""More than all buffers between the hub and a slow client; each text is one message."""


@dataclass(frozen=True)
class Hub:
    """A hub and the schemas of its plans."""

    path: str
    schema: type[BaseModel]
    whole: Draft202012Validator

    def plan(self, text: str = REQUEST) -> Speech:
        """Return a response that is only a function call with a complete plan."""
        tool = {"function": {"name": "show_plan", "parameters": self.schema.model_json_schema()}}
        request = {"messages": [{"role": "user", "content": text}], "tools": [tool]}
        return replace(reply_to(request), text="")

    def is_whole(self, message: dict[str, Any], plan: Speech) -> bool:
        """Return whether a message has a complete plan."""
        plan_sent = message.get("blueprint") or message["plan"]
        sessions = [(each["name"], len(each["exercises"])) for each in plan_sent["sessions"]]
        expected = json.loads(plan.arguments)["sessions"]
        assert sessions == [(each["name"], len(each["exercises"])) for each in expected]
        return bool(self.whole.is_valid(message))


BOTH_HUBS = pytest.mark.parametrize(
    "hub",
    [Hub(HUB_V1, WorkoutPlan, WHOLE_2025), Hub(HUB_V2, Program, WHOLE_2026)],
    ids=["ai-chat", "ai-chat-v2"],
)
BOTH_CLIENTS = pytest.mark.parametrize("is_slow", [False, True], ids=["fast", "slow"])


@asynccontextmanager
async def connect(service: ChatService, hub: Hub, *, is_slow: bool) -> AsyncIterator[HubUser]:
    """Connect a user; for a slow one, long unread texts precede the reply."""
    async with connect_user(service, hub.path, is_slow=is_slow) as user:
        if is_slow:
            service.openai.script[:0] = LONG_TEXTS
            for requests in range(1, len(LONG_TEXTS) + 1):
                await user.begin(
                    "Introduce", "en-AU", *([3, "pounds"] if hub.path == HUB_V2 else [])
                )
                await wait_for_replies(service, requests)
        yield user


async def wait_for_replies(service: ChatService, requests: int) -> None:
    """Return after that many requests to the model, when no invocation is in flight."""
    await until(
        lambda: (
            len(service.openai.requests) == requests
            and "Invocations._run" not in service.server.tasks()
        )
    )


async def request_reply(
    service: ChatService, user: HubUser, *, is_slow: bool, requests: int = 1
) -> None:
    """Request a reply and read it. A slow client reads after the end of the reply."""
    invocation_id = await user.begin_message(REQUEST)
    if is_slow:
        await wait_for_replies(service, len(LONG_TEXTS) + requests)
        user.enlarge_buffers()
    await user.wait_for_completion(invocation_id)


SPEECHES = {
    "call, text": Speech(text_after_call=TEXT_AFTER_CALL),
    "text, call, text": Speech(TEXT_BEFORE_CALL, text_after_call=TEXT_AFTER_CALL),
    "text within the call": Speech(TEXT_BEFORE_CALL, text_within_call=TEXT_AFTER_CALL),
    "text within and after the call": Speech(
        text_within_call=TEXT_AFTER_CALL * 3, text_after_call=TEXT_AFTER_CALL
    ),
}


@BOTH_HUBS
@BOTH_CLIENTS
@pytest.mark.parametrize("texts", SPEECHES.values(), ids=SPEECHES)
async def test_last_message_is_the_plan_when_text_follows(
    service: ChatService, hub: Hub, texts: Speech, *, is_slow: bool
) -> None:
    service.openai.tokens_per_s = 0 if is_slow else CHUNKS_PER_S
    plan = hub.plan()
    speech = replace(texts, function=plan.function, arguments=plan.arguments)
    service.openai.script.append(Scripted(speech, is_call_one_segment=True))
    async with connect(service, hub, is_slow=is_slow) as user:
        await request_reply(service, user, is_slow=is_slow)
    assert hub.is_whole(user.received[-1], plan)
    assert user.texts[-1] == speech.whole_text
    if is_slow:
        assert [message["type"] for message in user.received[-2:]] == [
            "messageResponse",
            "chatPlan",
        ]
        assert len(user.plans) == 1


@BOTH_HUBS
@BOTH_CLIENTS
async def test_last_message_is_the_second_plan_when_the_first_is_bad(
    service: ChatService, hub: Hub, *, is_slow: bool
) -> None:
    invalid = Speech(TEXT_BEFORE_CALL, "show_plan", '{"name": "SECRET-plan", "sessions": []}')
    plan = replace(hub.plan(), text_after_call=TEXT_AFTER_CALL)
    service.openai.script += [
        Scripted(replace(invalid, text_after_call=TEXT_AFTER_CALL)),
        Scripted(plan, is_call_one_segment=True),
    ]
    async with connect(service, hub, is_slow=is_slow) as user:
        await request_reply(service, user, is_slow=is_slow, requests=2)
    assert hub.is_whole(user.received[-1], plan)
    assert user.texts[-1] == f"{TEXT_BEFORE_CALL}{TEXT_AFTER_CALL}\n\n{TEXT_AFTER_CALL}"


@BOTH_HUBS
@BOTH_CLIENTS
async def test_last_message_is_the_apology_when_a_plan_is_cut(
    service: ChatService, hub: Hub, *, is_slow: bool
) -> None:
    """An incomplete plan must not look like a complete one."""
    plan = replace(hub.plan(), text=TEXT_BEFORE_CALL)
    service.openai.script.append(Scripted(plan, finish_reason="length"))
    async with connect(service, hub, is_slow=is_slow) as user:
        await request_reply(service, user, is_slow=is_slow)
    assert user.plans
    assert user.received[-1] == {
        "type": "messageResponse",
        "message": f"{TEXT_BEFORE_CALL}\n\n{TOO_LONG}",
    }


async def test_update_required_precedes_its_completion(
    service: ChatService,
) -> None:
    hub = Hub(HUB_V2, Program, WHOLE_2026)
    async with connect(service, hub, is_slow=True) as user:
        first = await user.begin("SendMessage", REQUEST, 2)
        second = await user.begin("SendMessage", REQUEST, 2)
        await user.begin_message(REQUEST)  # invocations begin in order
        await wait_for_replies(service, len(LONG_TEXTS) + 1)
        user.enlarge_buffers()
        received = []
        for invocation_id in (first, second):
            await user.wait_for_completion(invocation_id)
            received.append(user.received[-1])
            user.received.clear()
    assert received == [{"type": "updateRequired", "requiredVersion": 3}] * 2
