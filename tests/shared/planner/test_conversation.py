"""A talk with the coach: what the user follows, and what the model is reminded of."""

import asyncio
import json
from dataclasses import replace
from itertools import pairwise

import pytest

from scripts.fakes.openai import Scripted
from shared.planner.prompts import INTRODUCE, SHOWN
from tests.loopback import until
from tests.shared.planner.conftest import Coach
from tests.shared.planner.talking import (
    PLAN,
    WORDS,
    Follower,
    assistant,
    calling,
    reminders,
    said,
    saying,
    talk,
    user,
)

TEXT = "SECRET-a reply that is long enough to come in a few pieces, one after the other."


async def test_words_grow_and_are_remembered(coach: Coach) -> None:
    coach.openai.script += [saying(TEXT), saying("SECRET-more")]
    chat = talk(coach)
    follower = await said(chat, "SECRET-first")
    assert follower.texts[-1] == TEXT
    assert len(follower.texts) > 3
    assert all(later.startswith(earlier) for earlier, later in pairwise(follower.texts))
    assert not follower.plans
    await said(chat, "SECRET-second")
    assert reminders(coach) == [user("SECRET-first"), assistant(TEXT), user("SECRET-second")]


async def test_a_plan_grows_after_the_words_and_ends_complete(coach: Coach) -> None:
    coach.openai.script.append(calling(PLAN, words=WORDS))
    follower = await said(talk(coach))
    assert follower.texts[-1] == WORDS
    counts = [sum(len(each.exercises) for each in plan.sessions) for plan in follower.plans]
    assert counts == sorted(counts)
    assert set(counts) >= {0, 1, 2, 3, 4, 5, 6}
    assert follower.plans[-1].model_dump(mode="json") == PLAN


@pytest.mark.parametrize("is_call_one_segment", [False, True], ids=["pieces", "one segment"])
@pytest.mark.parametrize("name", ["text_within_call", "text_after_call"])
async def test_finished_plan_comes_last_when_text_follows_the_call(
    coach: Coach, name: str, *, is_call_one_segment: bool
) -> None:
    speech = replace(calling(PLAN, words=WORDS).speech, **{name: TEXT})
    coach.openai.script.append(Scripted(speech, is_call_one_segment=is_call_one_segment))
    follower = await said(talk(coach))
    assert follower.texts[-1] == WORDS + TEXT
    last = follower.states[-1]
    assert not isinstance(last, str)
    assert last.model_dump(mode="json") == PLAN


async def test_a_plan_that_comes_at_once_is_shown(coach: Coach) -> None:
    coach.openai.script.append(calling(json.dumps(PLAN, separators=(",", ":"))))
    follower = await said(talk(coach))
    assert follower.plans[-1].model_dump(mode="json") == PLAN
    assert not follower.texts


async def test_a_plan_is_remembered_as_a_call_and_its_answer(coach: Coach) -> None:
    text = json.dumps(PLAN, indent=1)
    coach.openai.script += [calling(text, words=WORDS), calling(text), saying("SECRET-bye")]
    chat = talk(coach)
    for wish in ("SECRET-a plan", "SECRET-another", "SECRET-thanks"):
        await said(chat, wish)
    first, called, answered, second, called_again, answered_again, third = reminders(coach)
    assert [first, second, third] == [
        user("SECRET-a plan"),
        user("SECRET-another"),
        user("SECRET-thanks"),
    ]
    for call, answer, words in ((called, answered, WORDS), (called_again, answered_again, None)):
        assert (call["role"], call["content"]) == ("assistant", words)
        [wanted] = call["tool_calls"]
        assert wanted["function"] == {"name": "show_plan", "arguments": text}
        assert answer == {"role": "tool", "tool_call_id": wanted["id"], "content": SHOWN}


async def test_the_model_may_hand_over_a_plan_and_need_not(coach: Coach) -> None:
    await said(talk(coach))
    [asked] = coach.openai.requests
    assert asked["tool_choice"] == "auto"
    [tool] = asked["tools"]
    assert (tool["function"]["name"], tool["function"]["strict"]) == ("show_plan", True)


async def test_only_twenty_messages_are_remembered_and_our_instructions_always(
    coach: Coach,
) -> None:
    coach.openai.script += [calling(PLAN), *[saying("SECRET-words")] * 20]
    chat = talk(coach)
    lengths = []
    for number in range(12):
        await said(chat, f"SECRET-{number}")
        lengths.append(len(reminders(coach)))
    # The plan's call and its answer go together, so once there are nineteen.
    assert lengths == [1, 4, 6, 8, 10, 12, 14, 16, 18, 20, 19, 20]
    assert reminders(coach)[-1] == user("SECRET-11")


async def test_locale_and_unit_are_known_for_the_whole_talk(coach: Coach) -> None:
    chat = talk(coach)
    await said(chat)
    await chat.introduce("de-DE", "pounds (lb)", Follower())
    assert reminders(coach)[-1] == user(INTRODUCE)
    await said(chat)
    chat.restart()
    await said(chat, "SECRET-anew")
    assert reminders(coach) == [user("SECRET-anew")]
    before, *after = (asked["messages"][0]["content"] for asked in coach.openai.requests)
    assert "en-AU" in before
    assert "unit for weights:" not in before
    assert len(after) == 3
    for instructions in after:
        assert "locale: de-DE." in instructions
        assert "unit for weights: pounds (lb)." in instructions


async def test_two_talks_know_nothing_of_each_other(coach: Coach) -> None:
    one, other = talk(coach), talk(coach)
    await one.introduce("de-DE", None, Follower())
    await said(other, "SECRET-mine")
    assert reminders(coach) == [user("SECRET-mine")]
    assert "en-AU" in coach.openai.requests[-1]["messages"][0]["content"]


async def test_who_stops_listening_ends_the_models_work_and_what_was_heard_is_remembered(
    coach: Coach,
) -> None:
    coach.openai.script += [saying(TEXT, silent_after=5), saying("SECRET-more")]
    chat, follower = talk(coach), Follower()
    reply = asyncio.create_task(chat.say("SECRET-first", follower))
    await until(lambda: len(follower.texts) == 4)
    assert coach.openai.talking == 1
    reply.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reply
    await until(lambda: coach.openai.talking == 0)
    heard = follower.texts[-1]
    assert TEXT.startswith(heard)
    assert heard != TEXT
    await said(chat, "SECRET-second")
    assert reminders(coach) == [user("SECRET-first"), assistant(heard), user("SECRET-second")]


async def test_of_a_plan_that_was_stopped_only_the_words_are_remembered(coach: Coach) -> None:
    coach.openai.script += [calling(PLAN, words=WORDS, silent_after=30), saying("SECRET-more")]
    chat, follower = talk(coach), Follower()
    reply = asyncio.create_task(chat.say("SECRET-first", follower))
    await until(lambda: any(plan.sessions for plan in follower.plans))
    reply.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reply
    await said(chat, "SECRET-second")
    assert reminders(coach) == [user("SECRET-first"), assistant(WORDS), user("SECRET-second")]


async def test_who_stops_before_the_first_word_has_asked_all_the_same(coach: Coach) -> None:
    coach.openai.script += [saying(TEXT, silent_after=1), saying("SECRET-more")]
    chat, follower = talk(coach), Follower()
    reply = asyncio.create_task(chat.say("SECRET-first", follower))
    await until(lambda: coach.openai.talking == 1)
    reply.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reply
    assert not follower.texts
    await said(chat, "SECRET-second")
    assert reminders(coach) == [user("SECRET-first"), user("SECRET-second")]


HALVES = "\ud83d\ude00"


@pytest.mark.parametrize(
    ("sent", "heard", "seen"),
    [
        (f"1234567{HALVES}", *2 * ("1234567\U0001f600",)),
        (f"{HALVES} 1234567{HALVES}!", *2 * ("\U0001f600 1234567\U0001f600!",)),
        ("a\ud83d", "a", "a\ufffd"),  # words that end with it may go on with the other half
        ("\ude00b", *2 * ("\ufffdb",)),
        ("\ude00\ud83d", "\ufffd", "\ufffd\ufffd"),
    ],
    ids=["two pieces", "twice", "the first half alone", "the second half alone", "wrong order"],
)
async def test_half_characters_break_nothing(
    coach: Coach, sent: str, heard: str, seen: str
) -> None:
    # Raw in the arguments, as a model may write them, and not as escapes.
    text = json.dumps({**PLAN, "name": "NAME"}).replace("NAME", sent)
    coach.openai.script += [calling(text, words=sent), saying("SECRET-more")]
    chat = talk(coach)
    follower = await said(chat)
    assert follower.texts[-1] == heard
    assert follower.plans[-1].name == seen
    await said(chat, "SECRET-second")
    assert reminders(coach)[1]["content"] == heard
