"""Conversations when the model fails."""

import asyncio
import itertools
import json
import logging
import re
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
    RequestTooLong,
    ResponseTooLong,
)
from shared.planner.history import MAX_MESSAGES
from tests.loopback import until
from tests.shared.planner.conftest import FakeModel
from tests.shared.planner.conversations import (
    EXERCISE,
    PLAN,
    SESSION,
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


def with_exercise(**changes: Any) -> dict[str, Any]:
    return {**PLAN, "sessions": [{**SESSION, "exercises": [EXERCISE, {**EXERCISE, **changes}]}]}


INVALID = {
    "another function": (
        Speech(TEXT_BEFORE_PLAN, "rm", json.dumps(PLAN)),
        "have not called show_plan",
    ),
    "broken json": (Speech(TEXT_BEFORE_PLAN, "show_plan", json.dumps(PLAN)[:-2]), "EOF"),
    "no arguments": (Speech(TEXT_BEFORE_PLAN, "show_plan", ""), "EOF"),
    "a list": (Speech(TEXT_BEFORE_PLAN, "show_plan", "[]"), "object"),
    "half a character": (
        Speech(TEXT_BEFORE_PLAN, "show_plan", json.dumps({**PLAN, "name": "\ud83d"})),
        "Invalid JSON",
    ),
    "no sets": (
        Speech(TEXT_BEFORE_PLAN, "show_plan", json.dumps(with_exercise(sets=0))),
        "sessions.0.exercises.1.sets: Input should be greater than or equal to 1",
    ),
    "rests that shrink": (
        Speech(
            TEXT_BEFORE_PLAN,
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
EVERY_INVALID = pytest.mark.parametrize(("invalid", "mistake"), INVALID.values(), ids=INVALID)


@EVERY_INVALID
async def test_invalid_plan_is_corrected_once(
    fake: FakeModel, invalid: Speech, mistake: str
) -> None:
    fake.openai.script += [Scripted(invalid), plan_response(PLAN), text_response("SECRET-more")]
    conversation = new_conversation(fake)
    observer = await request_reply(conversation)
    assert observer.plans[-1].model_dump(mode="json") == PLAN
    assert observer.texts[-1] == TEXT_BEFORE_PLAN
    first, second = fake.openai.requests
    assert second["messages"][: len(first["messages"])] == first["messages"]
    called, response = second["messages"][len(first["messages"]) :]
    assert called["content"] == TEXT_BEFORE_PLAN
    assert called["tool_calls"][0]["function"]["arguments"] == invalid.arguments
    assert (response["role"], response["tool_call_id"]) == ("tool", called["tool_calls"][0]["id"])
    assert mistake in response["content"]
    assert second["tool_choice"]["function"]["name"] == "show_plan"
    await request_reply(conversation, "SECRET-second")
    _first, reply, response, _second = prompt_messages(fake)
    assert reply["content"] == TEXT_BEFORE_PLAN
    assert json.loads(reply["tool_calls"][0]["function"]["arguments"]) == PLAN
    assert response["role"] == "tool"


@EVERY_INVALID
async def test_second_invalid_plan_is_a_failure(
    fake: FakeModel, invalid: Speech, mistake: str
) -> None:
    fake.openai.script += [Scripted(invalid), Scripted(invalid), text_response("SECRET-more")]
    conversation, observer = new_conversation(fake), RecordingObserver()
    with pytest.raises(DependencyFailed):
        await conversation.reply("SECRET-first", observer)
    assert len(fake.openai.requests) == 2
    assert observer.texts[0].startswith("SECRET")
    await request_reply(conversation, "SECRET-second")
    assert [message["role"] for message in prompt_messages(fake)] == ["user", "assistant", "user"]
    assert "tool_calls" not in prompt_messages(fake)[1]


async def test_correction_keeps_the_text_of_both_responses(fake: FakeModel) -> None:
    fake.openai.script += [
        plan_response("{", text=TEXT_BEFORE_PLAN),
        plan_response(PLAN, text="SECRET-corrected"),
    ]
    observer = await request_reply(new_conversation(fake))
    assert observer.texts[-1] == f"{TEXT_BEFORE_PLAN}\n\nSECRET-corrected"
    assert all(observer.texts[-1].startswith(text) for text in observer.texts)


async def test_corrected_plan_replaces_the_first(fake: FakeModel) -> None:
    squats = [{**EXERCISE, "name": "SECRET-Squat"}] * 3
    other = {**PLAN, "name": "SECRET-other", "sessions": [{**SESSION, "exercises": squats}]}
    fake.openai.script += [plan_response({**PLAN, "sessions": [SESSION] * 8}), plan_response(other)]
    observer = await request_reply(new_conversation(fake))
    assert max(len(plan.sessions) for plan in observer.plans) == 8
    assert observer.plans[-1].model_dump(mode="json") == other
    corrected = [plan.sessions for plan in observer.plans if plan.name == "SECRET-other"]
    assert len(corrected) > 1
    for session in itertools.chain.from_iterable(corrected):
        assert all(exercise.name == "SECRET-Squat" for exercise in session.exercises)


async def test_refusal_is_shown_and_enters_the_history(fake: FakeModel) -> None:
    refusal = "SECRET-I cannot help with that."
    fake.openai.script += [Scripted(Speech(refusal=refusal)), text_response("SECRET-more")]
    conversation = new_conversation(fake)
    assert (await request_reply(conversation)).texts[-1] == refusal
    await request_reply(conversation)
    assert prompt_messages(fake)[1] == {"role": "assistant", "content": refusal}


async def test_text_at_the_token_limit_is_accepted(fake: FakeModel) -> None:
    fake.openai.script.append(text_response(TEXT_BEFORE_PLAN, finish_reason="length"))
    assert (await request_reply(new_conversation(fake))).texts[-1] == TEXT_BEFORE_PLAN


UNCORRECTABLE = {
    "empty": text_response(""),
    "a filter": text_response(TEXT_BEFORE_PLAN, finish_reason="content_filter"),
    "a filter in a plan": plan_response(
        PLAN, text=TEXT_BEFORE_PLAN, finish_reason="content_filter"
    ),
    "no function call": text_response(TEXT_BEFORE_PLAN, finish_reason="tool_calls"),
    "cut at once": text_response(TEXT_BEFORE_PLAN, cut_after=0),
    "cut in the text": text_response(TEXT_BEFORE_PLAN, cut_after=3),
    "cut in a plan": plan_response(PLAN, text=TEXT_BEFORE_PLAN, cut_after=12),
}
TOO_LONG = {
    "token limit in a plan": plan_response(
        json.dumps(PLAN)[:99], text=TEXT_BEFORE_PLAN, finish_reason="length"
    ),
    "our own limit": plan_response({**PLAN, "name": "x" * 200_000}, text=TEXT_BEFORE_PLAN),
}


@pytest.mark.parametrize(
    ("response", "error"),
    [
        *((each, DependencyFailed) for each in UNCORRECTABLE.values()),
        *((each, ResponseTooLong) for each in TOO_LONG.values()),
    ],
    ids=[*UNCORRECTABLE, *TOO_LONG],
)
async def test_conversation_continues_after_a_failure(
    fake: FakeModel, response: Scripted, error: type[DependencyFailed]
) -> None:
    fake.openai.script += [response, text_response("SECRET-more")]
    conversation, observer = new_conversation(fake), RecordingObserver()
    with pytest.raises(DependencyFailed) as caught:
        await conversation.reply("SECRET-first", observer)
    assert type(caught.value) is error
    assert len(fake.openai.requests) == 1
    await until(lambda: fake.openai.open_streams == 0)
    assert (await request_reply(conversation, "SECRET-second")).texts[-1] == "SECRET-more"
    partial = [observer.texts[-1]] if observer.texts else []
    # A message without any reply is dropped: the model may fail on it each time.
    texts = [*(["SECRET-first", *partial] if partial else []), "SECRET-second"]
    assert [message["content"] for message in prompt_messages(fake)] == texts


STATUSES: dict[str, tuple[Fault, type[DependencyUnavailable], int]] = {
    "our key is refused": (Fault(401), DependencyFailed, 10),
    "overloaded": (Fault(429, headers={"Retry-After": "37"}), DependencyUnavailable, 37),
    "broken": (Fault(500), DependencyFailed, 10),
    "cut": (Fault(is_cut=True), DependencyFailed, 10),
    "malformed": (
        Fault(200, b"data: []\n\n", {"Content-Type": "text/event-stream"}),
        DependencyFailed,
        10,
    ),
}


@pytest.mark.parametrize(("fault", "error", "retry_after_s"), STATUSES.values(), ids=STATUSES)
async def test_fault_of_the_server_raises_its_error(
    fake: FakeModel, fault: Fault, error: type[DependencyUnavailable], retry_after_s: int
) -> None:
    fake.server.faults.append(fault)
    conversation, observer = new_conversation(fake), RecordingObserver()
    with pytest.raises(DependencyUnavailable) as caught:
        await conversation.reply("SECRET-first", observer)
    assert type(caught.value) is error
    assert caught.value.retry_after_s == retry_after_s
    assert not observer.texts
    await request_reply(conversation, "SECRET-second")
    assert [each["content"] for each in prompt_messages(fake)] == ["SECRET-second"]


@pytest.mark.parametrize(
    "settings",
    [{"silence_s": 0.3}, {"deadline_s": 0.5, "silence_s": 300}],
    ids=["silence", "deadline"],
)
async def test_slow_model_times_out(fake: FakeModel, settings: dict[str, Any]) -> None:
    fake.openai.script.append(text_response(TEXT_BEFORE_PLAN, silent_after=4))
    conversation, observer = new_conversation(fake, **settings), RecordingObserver()
    with pytest.raises(DependencyTimedOut):
        await conversation.reply("SECRET-first", observer)
    await until(lambda: fake.openai.open_streams == 0)


async def test_correction_shares_the_deadline(fake: FakeModel) -> None:
    fake.openai.script += [
        plan_response("{", text=TEXT_BEFORE_PLAN),
        plan_response(PLAN, silent_after=4),
    ]
    conversation, observer = (
        new_conversation(fake, deadline_s=1, silence_s=300),
        RecordingObserver(),
    )
    with pytest.raises(DependencyTimedOut):
        await conversation.reply("SECRET-first", observer)
    await until(lambda: fake.openai.open_streams == 0)


async def test_cut_correction_is_a_failure(fake: FakeModel) -> None:
    fake.openai.script += [
        plan_response("{", text=TEXT_BEFORE_PLAN),
        plan_response(PLAN, cut_after=2),
    ]
    observer = RecordingObserver()
    with pytest.raises(DependencyFailed):
        await new_conversation(fake).reply("SECRET-first", observer)
    assert observer.texts[-1] == TEXT_BEFORE_PLAN
    assert not fake.openai.script


async def test_message_without_reply_is_dropped_on_timeout(
    fake: FakeModel,
) -> None:
    fake.openai.script.append(text_response(TEXT_BEFORE_PLAN, silent_after=0))
    conversation = new_conversation(fake, deadline_s=0.5, silence_s=300)
    with pytest.raises(DependencyTimedOut):
        await conversation.reply("SECRET-first", RecordingObserver())
    fake.openai.requests.clear()
    while not fake.openai.requests:  # on a busy machine the deadline may pass first
        with suppress(DependencyTimedOut):
            await request_reply(conversation, "SECRET-second")
    assert [each["content"] for each in prompt_messages(fake)] == ["SECRET-second"]


async def test_open_stream_does_not_delay_a_finished_reply(fake: FakeModel) -> None:
    fake.openai.script.append(text_response(TEXT_BEFORE_PLAN, never_closes=True))
    assert (await request_reply(new_conversation(fake, silence_s=20))).texts[-1] == TEXT_BEFORE_PLAN
    await until(lambda: fake.openai.open_streams == 0)


async def test_rejected_message_reaches_neither_model_nor_history(fake: FakeModel) -> None:
    refusals = [RateLimited(60)]

    async def admit() -> None:
        if refusals:
            raise refusals.pop()

    conversation = new_conversation(fake, admit)
    with pytest.raises(RateLimited):
        await conversation.reply("SECRET-first", RecordingObserver())
    await request_reply(conversation, "SECRET-second")
    assert len(fake.openai.requests) == 1
    assert [each["content"] for each in prompt_messages(fake)] == ["SECRET-second"]


async def test_failed_long_message_keeps_the_history(fake: FakeModel) -> None:
    conversation = new_conversation(fake)
    for number in range(MAX_MESSAGES // 2):
        fake.openai.script.append(text_response(f"SECRET-reply {number}"))
        await request_reply(conversation, f"SECRET-message {number}")
    everything = [
        *prompt_messages(fake),
        assistant_message(f"SECRET-reply {MAX_MESSAGES // 2 - 1}"),
    ]
    assert len(everything) == MAX_MESSAGES
    fake.server.faults.append(Fault(400))
    with pytest.raises(DependencyFailed):
        await conversation.reply("SECRET-" + "x" * 500_000, RecordingObserver())
    await request_reply(conversation, "SECRET-last")
    assert prompt_messages(fake) == [*everything[1:], user_message("SECRET-last")]


PROGRAM = "SECRET-program: " + "squat 3 x 5; " * 2000
CONTEXT_ERRORS = {
    "OpenAI": (400, {"code": "context_length_exceeded", "message": "..."}),
    "llama.cpp": (400, {"code": 400, "type": "exceed_context_size_error", "message": "..."}),
    "vLLM": (400, {"code": 400, "message": "This model's maximum context length is 4096 tokens."}),
    "tokens per minute": (429, {"code": "rate_limit_exceeded", "message": "Request too large."}),
}


@pytest.mark.parametrize(("status", "error"), CONTEXT_ERRORS.values(), ids=CONTEXT_ERRORS)
async def test_half_is_sent_when_the_model_rejects_the_length(
    fake: FakeModel, status: int, error: dict[str, Any]
) -> None:
    fake.server.faults.append(Fault(status, json.dumps({"error": error}).encode()))
    fake.openai.script.append(text_response("SECRET-reply"))
    observer = await request_reply(new_conversation(fake, retries=2), PROGRAM)
    [request] = fake.openai.requests
    length = len(request["messages"][1]["content"])
    assert 0.45 < length / len(PROGRAM) < 0.55
    notice, reply = observer.texts[-1].split("\n\n")
    assert re.fullmatch(r"Your message is too long for me: I read the first \d\d % of it\.", notice)
    assert reply == "SECRET-reply"


async def test_length_is_reduced_until_the_model_accepts(
    fake: FakeModel, caplog: pytest.LogCaptureFixture
) -> None:
    fake.openai.context_tokens = 1500  # the prompt has 500 tokens of the fake
    fake.openai.script += [text_response("SECRET-reply"), text_response("SECRET-more")]
    conversation = new_conversation(fake)
    observer = await request_reply(conversation, PROGRAM)
    assert observer.texts[-1].endswith("\n\nSECRET-reply")
    lengths = [len(each["messages"][1]["content"]) for each in fake.openai.requests]
    assert len(lengths) > 2
    assert lengths == sorted(lengths, reverse=True)
    # The reduced history stays: the next message is accepted at once, and has no notice.
    assert (await request_reply(conversation, "SECRET-second")).texts[-1] == "SECRET-more"
    assert len(fake.openai.requests) == len(lengths) + 1
    assert not [each for each in caplog.records if each.levelno >= logging.WARNING]


async def test_rejected_short_message_is_a_failure(
    fake: FakeModel, caplog: pytest.LogCaptureFixture
) -> None:
    fake.openai.context_tokens = 10
    conversation = new_conversation(fake)
    with pytest.raises(RequestTooLong):
        await request_reply(conversation, "SECRET-first")
    assert len(fake.openai.requests) == 1
    with pytest.raises(RequestTooLong):
        await request_reply(conversation, PROGRAM)
    assert len(fake.openai.requests) <= 6
    assert [each.levelname for each in caplog.records if each.levelno >= logging.WARNING] == [
        "WARNING"
    ] * 2
    fake.openai.context_tokens = None
    assert (await request_reply(conversation, "SECRET-second")).texts
    assert prompt_messages(fake) == [user_message("SECRET-second")]


async def test_correction_of_a_long_plan_leaves_the_plan_out(fake: FakeModel) -> None:
    invalid = {**PLAN, "sessions": [SESSION] * 30, "name": ""}
    fake.openai.script += [plan_response(invalid, text=TEXT_BEFORE_PLAN), plan_response(PLAN)]
    conversation = new_conversation(fake, context_tokens=8000, max_tokens=4000)
    observer = await request_reply(conversation, "SECRET-first")
    assert observer.plans[-1].model_dump(mode="json") == PLAN
    first, text, problem = prompt_messages(fake)
    assert (first, text) == (user_message("SECRET-first"), assistant_message(TEXT_BEFORE_PLAN))
    assert problem["role"] == "user"
    assert "name: String should have at least 1" in problem["content"]


async def test_message_is_kept_when_cancelled_in_admission(
    fake: FakeModel,
) -> None:
    counting = asyncio.Event()

    async def admit() -> None:
        if not counting.is_set():
            counting.set()
            await asyncio.Event().wait()

    conversation = new_conversation(fake, admit)
    overtaken = asyncio.create_task(conversation.reply("SECRET-first", RecordingObserver()))
    await counting.wait()
    overtaken.cancel()
    await asyncio.wait([overtaken])
    await request_reply(conversation, "SECRET-second")
    assert [each["content"] for each in prompt_messages(fake)] == ["SECRET-first", "SECRET-second"]
