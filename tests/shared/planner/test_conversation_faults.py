"""A talk with the coach when the model does what it should not."""

import asyncio
import itertools
import json
from contextlib import suppress
from typing import Any

import pytest

from scripts.fakes.conversation import Speech
from scripts.fakes.faults import Fault
from scripts.fakes.openai import Scripted
from shared.errors import (
    DependencyFailed,
    DependencyTimedOut,
    DependencyUnavailable,
    RateLimited,
)
from shared.planner.history import LIMIT, LONGEST
from tests.loopback import until
from tests.shared.planner.conftest import Coach
from tests.shared.planner.talking import (
    EXERCISE,
    PLAN,
    SESSION,
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


def with_exercise(**changes: Any) -> dict[str, Any]:
    return {**PLAN, "sessions": [{**SESSION, "exercises": [EXERCISE, {**EXERCISE, **changes}]}]}


UNFIT = {
    "another function": (Speech(WORDS, "rm", json.dumps(PLAN)), "have not called show_plan"),
    "broken json": (Speech(WORDS, "show_plan", json.dumps(PLAN)[:-2]), "EOF"),
    "nothing": (Speech(WORDS, "show_plan", ""), "EOF"),
    "a list": (Speech(WORDS, "show_plan", "[]"), "object"),
    "half a character": (
        Speech(WORDS, "show_plan", json.dumps({**PLAN, "name": "\ud83d"})),
        "Invalid JSON",
    ),
    "no sets": (
        Speech(WORDS, "show_plan", json.dumps(with_exercise(sets=0))),
        "sessions.0.exercises.1.sets: Input should be greater than or equal to 1",
    ),
    "rests that shrink": (
        Speech(
            WORDS,
            "show_plan",
            json.dumps(
                with_exercise(
                    restBetweenSets={**EXERCISE["restBetweenSets"], "minRest": "00:10:00"}
                )
            ),
        ),
        "must grow from minRest",
    ),
}
EVERY_UNFIT = pytest.mark.parametrize(("unfit", "mistake"), UNFIT.values(), ids=UNFIT)


@EVERY_UNFIT
async def test_a_plan_that_does_not_fit_may_be_mended_once(
    coach: Coach, unfit: Speech, mistake: str
) -> None:
    coach.openai.script += [Scripted(unfit), calling(PLAN), saying("SECRET-more")]
    chat = talk(coach)
    follower = await said(chat)
    assert follower.plans[-1].model_dump(mode="json") == PLAN
    assert follower.texts[-1] == WORDS
    first, second = coach.openai.requests
    assert second["messages"][: len(first["messages"])] == first["messages"]
    called, answered = second["messages"][len(first["messages"]) :]
    assert called["content"] == WORDS
    assert called["tool_calls"][0]["function"]["arguments"] == unfit.arguments
    assert (answered["role"], answered["tool_call_id"]) == ("tool", called["tool_calls"][0]["id"])
    assert mistake in answered["content"]
    assert second["tool_choice"]["function"]["name"] == "show_plan"
    await said(chat, "SECRET-second")
    _wish, kept, shown, _second = reminders(coach)
    assert kept["content"] == WORDS
    assert json.loads(kept["tool_calls"][0]["function"]["arguments"]) == PLAN
    assert shown["role"] == "tool"


@EVERY_UNFIT
async def test_a_plan_that_does_not_fit_twice_is_a_failure(
    coach: Coach, unfit: Speech, mistake: str
) -> None:
    coach.openai.script += [Scripted(unfit), Scripted(unfit), saying("SECRET-more")]
    chat, follower = talk(coach), Follower()
    with pytest.raises(DependencyFailed):
        await chat.say("SECRET-first", follower)
    assert len(coach.openai.requests) == 2
    assert follower.texts[0].startswith("SECRET")
    await said(chat, "SECRET-second")
    assert [message["role"] for message in reminders(coach)] == ["user", "assistant", "user"]
    assert "tool_calls" not in reminders(coach)[1]


async def test_the_words_of_both_attempts_are_told(coach: Coach) -> None:
    coach.openai.script += [calling("{", words=WORDS), calling(PLAN, words="SECRET-sorry")]
    follower = await said(talk(coach))
    assert follower.texts[-1] == f"{WORDS}\n\nSECRET-sorry"
    assert all(follower.texts[-1].startswith(text) for text in follower.texts)


async def test_what_was_shown_of_the_first_attempt_gives_way_to_the_second(coach: Coach) -> None:
    squats = [{**EXERCISE, "name": "SECRET-Squat"}] * 3
    other = {**PLAN, "name": "SECRET-other", "sessions": [{**SESSION, "exercises": squats}]}
    coach.openai.script += [calling({**PLAN, "sessions": [SESSION] * 8}), calling(other)]
    follower = await said(talk(coach))
    assert max(len(plan.sessions) for plan in follower.plans) == 8
    assert follower.plans[-1].model_dump(mode="json") == other
    mended = [plan.sessions for plan in follower.plans if plan.name == "SECRET-other"]
    assert len(mended) > 1
    for session in itertools.chain.from_iterable(mended):
        assert all(exercise.name == "SECRET-Squat" for exercise in session.exercises)


async def test_a_refusal_is_told_and_remembered(coach: Coach) -> None:
    refusal = "SECRET-I am sorry, I cannot help with that."
    coach.openai.script += [Scripted(Speech(refusal=refusal)), saying("SECRET-more")]
    chat = talk(coach)
    assert (await said(chat)).texts[-1] == refusal
    await said(chat)
    assert reminders(coach)[1] == {"role": "assistant", "content": refusal}


async def test_words_that_had_no_room_left_are_words(coach: Coach) -> None:
    coach.openai.script.append(saying(WORDS, finish_reason="length"))
    assert (await said(talk(coach))).texts[-1] == WORDS


HOPELESS = {
    "nothing to say": saying(""),
    "a filter": saying(WORDS, finish_reason="content_filter"),
    "a filter in a plan": calling(PLAN, words=WORDS, finish_reason="content_filter"),
    "no room for a plan": calling(json.dumps(PLAN)[:99], words=WORDS, finish_reason="length"),
    "a call of nothing": saying(WORDS, finish_reason="tool_calls"),
    "cut at once": saying(WORDS, cut_after=0),
    "cut in the words": saying(WORDS, cut_after=3),
    "cut in a plan": calling(PLAN, words=WORDS, cut_after=12),
    "no end": calling({**PLAN, "name": "x" * 100_000}, words=WORDS),
}


@pytest.mark.parametrize("hopeless", HOPELESS.values(), ids=HOPELESS)
async def test_what_cannot_be_mended_is_a_failure_after_which_the_talk_goes_on(
    coach: Coach, hopeless: Scripted
) -> None:
    coach.openai.script += [hopeless, saying("SECRET-more")]
    chat, follower = talk(coach), Follower()
    with pytest.raises(DependencyFailed) as caught:
        await chat.say("SECRET-first", follower)
    assert type(caught.value) is DependencyFailed
    assert len(coach.openai.requests) == 1
    await until(lambda: coach.openai.talking == 0)
    assert (await said(chat, "SECRET-second")).texts[-1] == "SECRET-more"
    heard = [follower.texts[-1]] if follower.texts else []
    # What the model did not say a word to may be what it cannot bear: it is asked to be said again.
    texts = [*(["SECRET-first", *heard] if heard else []), "SECRET-second"]
    assert [message["content"] for message in reminders(coach)] == texts


STATUSES: dict[str, tuple[Fault, type[DependencyUnavailable], int]] = {
    "our key is refused": (Fault(401), DependencyFailed, 10),
    "overloaded": (Fault(429, headers={"Retry-After": "37"}), DependencyUnavailable, 37),
    "broken": (Fault(500), DependencyFailed, 10),
    "cut": (Fault(is_cut=True), DependencyFailed, 10),
    "rubbish": (
        Fault(200, b"data: []\n\n", {"Content-Type": "text/event-stream"}),
        DependencyFailed,
        10,
    ),
}


@pytest.mark.parametrize(("fault", "error", "retry_after_s"), STATUSES.values(), ids=STATUSES)
async def test_a_fault_of_the_models_server_is_told_as_what_it_is(
    coach: Coach, fault: Fault, error: type[DependencyUnavailable], retry_after_s: int
) -> None:
    coach.server.faults.append(fault)
    chat, follower = talk(coach), Follower()
    with pytest.raises(DependencyUnavailable) as caught:
        await chat.say("SECRET-first", follower)
    assert type(caught.value) is error
    assert caught.value.retry_after_s == retry_after_s
    assert not follower.texts
    await said(chat, "SECRET-second")
    assert [each["content"] for each in reminders(coach)] == ["SECRET-second"]


@pytest.mark.parametrize(
    "settings",
    [{"silence_s": 0.3}, {"deadline_s": 0.5, "silence_s": 300}],
    ids=["silence", "deadline"],
)
async def test_a_model_that_dawdles_is_given_up(coach: Coach, settings: dict[str, Any]) -> None:
    coach.openai.script.append(saying(WORDS, silent_after=4))
    chat, follower = talk(coach, **settings), Follower()
    with pytest.raises(DependencyTimedOut):
        await chat.say("SECRET-first", follower)
    await until(lambda: coach.openai.talking == 0)


async def test_a_repair_that_dawdles_counts_into_the_same_deadline(coach: Coach) -> None:
    coach.openai.script += [calling("{", words=WORDS), calling(PLAN, silent_after=4)]
    chat, follower = talk(coach, deadline_s=1, silence_s=300), Follower()
    with pytest.raises(DependencyTimedOut):
        await chat.say("SECRET-first", follower)
    await until(lambda: coach.openai.talking == 0)


async def test_a_repair_that_is_cut_is_a_failure(coach: Coach) -> None:
    coach.openai.script += [calling("{", words=WORDS), calling(PLAN, cut_after=2)]
    follower = Follower()
    with pytest.raises(DependencyFailed):
        await talk(coach).say("SECRET-first", follower)
    assert follower.texts[-1] == WORDS
    assert not coach.openai.script


async def test_what_was_asked_before_the_deadline_passed_in_silence_is_forgotten(
    coach: Coach,
) -> None:
    coach.openai.script.append(saying(WORDS, silent_after=0))
    chat = talk(coach, deadline_s=0.5, silence_s=300)
    with pytest.raises(DependencyTimedOut):
        await chat.say("SECRET-first", Follower())
    coach.openai.requests.clear()
    while not coach.openai.requests:  # on a busy machine the deadline may pass before
        with suppress(DependencyTimedOut):
            await said(chat, "SECRET-second")
    assert [each["content"] for each in reminders(coach)] == ["SECRET-second"]


async def test_a_reply_that_has_ended_is_not_waited_for(coach: Coach) -> None:
    coach.openai.script.append(saying(WORDS, never_closes=True))
    assert (await said(talk(coach, silence_s=20))).texts[-1] == WORDS
    await until(lambda: coach.openai.talking == 0)


async def test_a_refused_message_reaches_neither_the_model_nor_the_memory(coach: Coach) -> None:
    refusals = [RateLimited(60)]

    async def admit() -> None:
        if refusals:
            raise refusals.pop()

    chat = talk(coach, admit)
    with pytest.raises(RateLimited):
        await chat.say("SECRET-first", Follower())
    await said(chat, "SECRET-second")
    assert len(coach.openai.requests) == 1
    assert [each["content"] for each in reminders(coach)] == ["SECRET-second"]


async def test_a_long_message_that_comes_to_nothing_takes_nothing_with_it(coach: Coach) -> None:
    chat = talk(coach)
    for number in range(LIMIT // 2):
        coach.openai.script.append(saying(f"SECRET-answer {number}"))
        await said(chat, f"SECRET-wish {number}")
    everything = [*reminders(coach), assistant(f"SECRET-answer {LIMIT // 2 - 1}")]
    assert len(everything) == LIMIT
    coach.server.faults.append(Fault(400))
    with pytest.raises(DependencyFailed):
        await chat.say("SECRET-" + "x" * LONGEST, Follower())
    await said(chat, "SECRET-last")
    assert reminders(coach) == [*everything[1:], user("SECRET-last")]


async def test_a_message_that_is_overtaken_while_it_is_counted_is_remembered(coach: Coach) -> None:
    counting = asyncio.Event()

    async def admit() -> None:
        if not counting.is_set():
            counting.set()
            await asyncio.Event().wait()

    chat = talk(coach, admit)
    overtaken = asyncio.create_task(chat.say("SECRET-first", Follower()))
    await counting.wait()
    overtaken.cancel()
    await asyncio.wait([overtaken])
    await said(chat, "SECRET-second")
    assert [each["content"] for each in reminders(coach)] == ["SECRET-first", "SECRET-second"]
