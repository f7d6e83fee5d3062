"""Conversations: the updates for the user, and the messages for the model."""

import asyncio
import json
from dataclasses import replace
from itertools import pairwise

import pytest

from scripts.fakes.openai import Scripted
from shared.planner.prompts import INTRODUCE, PLAN_SHOWN
from tests.loopback import until
from tests.shared.planner.conftest import FakeModel
from tests.shared.planner.conversations import (
    PLAN,
    TEXT_BEFORE_PLAN,
    RecordingObserver,
    assistant_message,
    new_conversation,
    plan_response,
    prompt_messages,
    request_reply,
    text_response,
    user_message,
)

TEXT = "SECRET-a reply that is long enough to arrive in a few chunks, one after the other."


async def test_text_grows_and_enters_the_history(fake: FakeModel) -> None:
    fake.openai.script += [text_response(TEXT), text_response("SECRET-more")]
    conversation = new_conversation(fake)
    observer = await request_reply(conversation, "SECRET-first")
    assert observer.texts[-1] == TEXT
    assert len(observer.texts) > 3
    assert all(later.startswith(earlier) for earlier, later in pairwise(observer.texts))
    assert not observer.plans
    await request_reply(conversation, "SECRET-second")
    assert prompt_messages(fake) == [
        user_message("SECRET-first"),
        assistant_message(TEXT),
        user_message("SECRET-second"),
    ]


async def test_plan_grows_after_the_text_until_complete(fake: FakeModel) -> None:
    fake.openai.script.append(plan_response(PLAN, text=TEXT_BEFORE_PLAN))
    observer = await request_reply(new_conversation(fake))
    assert observer.texts[-1] == TEXT_BEFORE_PLAN
    counts = [sum(len(each.exercises) for each in plan.sessions) for plan in observer.plans]
    assert counts == sorted(counts)
    assert set(counts) >= {0, 1, 2, 3, 4, 5, 6}
    assert observer.plans[-1].model_dump(mode="json") == PLAN


@pytest.mark.parametrize("is_call_one_segment", [False, True], ids=["chunks", "one segment"])
@pytest.mark.parametrize("name", ["text_within_call", "text_after_call"])
async def test_complete_plan_is_last_when_text_follows(
    fake: FakeModel, name: str, *, is_call_one_segment: bool
) -> None:
    speech = replace(plan_response(PLAN, text=TEXT_BEFORE_PLAN).speech, **{name: TEXT})
    fake.openai.script.append(Scripted(speech, is_call_one_segment=is_call_one_segment))
    observer = await request_reply(new_conversation(fake))
    assert observer.texts[-1] == TEXT_BEFORE_PLAN + TEXT
    last = observer.states[-1]
    assert not isinstance(last, str)
    assert last.model_dump(mode="json") == PLAN


async def test_plan_in_one_chunk_is_shown(fake: FakeModel) -> None:
    fake.openai.script.append(plan_response(json.dumps(PLAN, separators=(",", ":"))))
    observer = await request_reply(new_conversation(fake))
    assert observer.plans[-1].model_dump(mode="json") == PLAN
    assert not observer.texts


async def test_history_has_call_and_response_of_a_plan(fake: FakeModel) -> None:
    text = json.dumps(PLAN, indent=1)
    fake.openai.script += [
        plan_response(text, text=TEXT_BEFORE_PLAN),
        plan_response(text),
        text_response("SECRET-bye"),
    ]
    conversation = new_conversation(fake)
    for message in ("SECRET-a plan", "SECRET-another", "SECRET-thanks"):
        await request_reply(conversation, message)
    first, called, responded, second, called_again, responded_again, third = prompt_messages(fake)
    assert [first, second, third] == [
        user_message("SECRET-a plan"),
        user_message("SECRET-another"),
        user_message("SECRET-thanks"),
    ]
    for call, response, content in (
        (called, responded, TEXT_BEFORE_PLAN),
        (called_again, responded_again, None),
    ):
        assert (call["role"], call["content"]) == ("assistant", content)
        [tool_call] = call["tool_calls"]
        assert tool_call["function"] == {"name": "show_plan", "arguments": text}
        assert response == {"role": "tool", "tool_call_id": tool_call["id"], "content": PLAN_SHOWN}


async def test_function_call_is_optional(fake: FakeModel) -> None:
    await request_reply(new_conversation(fake))
    [request] = fake.openai.requests
    assert request["tool_choice"] == "auto"
    [tool] = request["tools"]
    assert (tool["function"]["name"], tool["function"]["strict"]) == ("show_plan", True)


async def test_model_gets_20_messages_and_the_prompt(
    fake: FakeModel,
) -> None:
    fake.openai.script += [plan_response(PLAN), *[text_response("SECRET-text")] * 20]
    conversation = new_conversation(fake)
    lengths = []
    for number in range(12):
        await request_reply(conversation, f"SECRET-{number}")
        lengths.append(len(prompt_messages(fake)))
    # The plan's call and its response are dropped together, which leaves nineteen once.
    assert lengths == [1, 4, 6, 8, 10, 12, 14, 16, 18, 20, 19, 20]
    assert prompt_messages(fake)[-1] == user_message("SECRET-11")


async def test_locale_and_unit_outlast_a_restart(fake: FakeModel) -> None:
    conversation = new_conversation(fake)
    await request_reply(conversation)
    await conversation.introduce("de-DE", "pounds (lb)", RecordingObserver())
    assert prompt_messages(fake)[-1] == user_message(INTRODUCE)
    await request_reply(conversation)
    conversation.restart()
    await request_reply(conversation, "SECRET-anew")
    assert prompt_messages(fake) == [user_message("SECRET-anew")]
    before, *after = (request["messages"][0]["content"] for request in fake.openai.requests)
    assert "en-AU" in before
    assert "unit for weights:" not in before
    assert len(after) == 3
    for instructions in after:
        assert "locale: de-DE." in instructions
        assert "unit for weights: pounds (lb)." in instructions


async def test_conversations_are_separate(fake: FakeModel) -> None:
    one, other = new_conversation(fake), new_conversation(fake)
    await one.introduce("de-DE", None, RecordingObserver())
    await request_reply(other, "SECRET-mine")
    assert prompt_messages(fake) == [user_message("SECRET-mine")]
    assert "en-AU" in fake.openai.requests[-1]["messages"][0]["content"]


async def test_cancelled_reply_enters_the_history(
    fake: FakeModel,
) -> None:
    fake.openai.script += [text_response(TEXT, silent_after=5), text_response("SECRET-more")]
    conversation, observer = new_conversation(fake), RecordingObserver()
    reply = asyncio.create_task(conversation.reply("SECRET-first", observer))
    await until(lambda: len(observer.texts) == 4)
    assert fake.openai.open_streams == 1
    reply.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reply
    await until(lambda: fake.openai.open_streams == 0)
    partial = observer.texts[-1]
    assert TEXT.startswith(partial)
    assert partial != TEXT
    await request_reply(conversation, "SECRET-second")
    assert prompt_messages(fake) == [
        user_message("SECRET-first"),
        assistant_message(partial),
        user_message("SECRET-second"),
    ]


async def test_cancelled_plan_leaves_only_its_text(fake: FakeModel) -> None:
    fake.openai.script += [
        plan_response(PLAN, text=TEXT_BEFORE_PLAN, silent_after=30),
        text_response("SECRET-more"),
    ]
    conversation, observer = new_conversation(fake), RecordingObserver()
    reply = asyncio.create_task(conversation.reply("SECRET-first", observer))
    await until(lambda: any(plan.sessions for plan in observer.plans))
    reply.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reply
    await request_reply(conversation, "SECRET-second")
    assert prompt_messages(fake) == [
        user_message("SECRET-first"),
        assistant_message(TEXT_BEFORE_PLAN),
        user_message("SECRET-second"),
    ]


async def test_message_is_kept_when_cancelled_before_a_reply(fake: FakeModel) -> None:
    fake.openai.script += [text_response(TEXT, silent_after=1), text_response("SECRET-more")]
    conversation, observer = new_conversation(fake), RecordingObserver()
    reply = asyncio.create_task(conversation.reply("SECRET-first", observer))
    await until(lambda: fake.openai.open_streams == 1)
    reply.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reply
    assert not observer.texts
    await request_reply(conversation, "SECRET-second")
    assert prompt_messages(fake) == [user_message("SECRET-first"), user_message("SECRET-second")]


HALVES = "\ud83d\ude00"


@pytest.mark.parametrize(
    ("sent", "expected_text", "expected_name"),
    [
        (f"1234567{HALVES}", *2 * ("1234567\U0001f600",)),
        (f"{HALVES} 1234567{HALVES}!", *2 * ("\U0001f600 1234567\U0001f600!",)),
        ("a\ud83d", "a", "a\ufffd"),  # the next chunk may have the other half
        ("\ude00b", *2 * ("\ufffdb",)),
        ("\ude00\ud83d", "\ufffd", "\ufffd\ufffd"),
    ],
    ids=["two chunks", "twice", "the first half alone", "the second half alone", "wrong order"],
)
async def test_split_surrogate_pairs_are_joined(
    fake: FakeModel, sent: str, expected_text: str, expected_name: str
) -> None:
    # Unescaped in the arguments, as a model may write them.
    text = json.dumps({**PLAN, "name": "NAME"}).replace("NAME", sent)
    fake.openai.script += [plan_response(text, text=sent), text_response("SECRET-more")]
    conversation = new_conversation(fake)
    observer = await request_reply(conversation)
    assert observer.texts[-1] == expected_text
    assert observer.plans[-1].name == expected_name
    await request_reply(conversation, "SECRET-second")
    assert prompt_messages(fake)[1]["content"] == expected_text
