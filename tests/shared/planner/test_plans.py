"""Plans of the fake model, behind the real client."""

import asyncio
import json
import logging
import time
from typing import Any

import pytest
from openai.types.chat import ChatCompletionChunk
from openai.types.chat.chat_completion_chunk import (
    Choice,
    ChoiceDelta,
    ChoiceDeltaToolCall,
    ChoiceDeltaToolCallFunction,
)

from scripts.fakes.conversation import Speech
from scripts.fakes.faults import Fault
from scripts.fakes.openai import Scripted
from shared.errors import (
    DependencyFailed,
    DependencyTimedOut,
    DependencyUnavailable,
    LiftLogError,
    RequestTooLong,
    ResponseTooLong,
)
from shared.planner.model_response import ModelResponse
from shared.schemas.ai import SessionAttributes, WorkoutAttributes
from tests.loopback import until
from tests.shared.planner.conftest import KEY, FakeModel
from tests.shared.planner.conversations import EXERCISE

USER_TEXT = "SECRET-text, my knee hurts"
WORKOUT = WorkoutAttributes.model_validate(
    {
        "gender": "Other",
        "weightRange": "70-80",
        "age": 40,
        "daysPerWeek": 4,
        "goals": ["SECRET-goal"],
        "experience": "Beginner",
        "useImperialUnits": False,
        "additionalInfo": USER_TEXT,
    }
)
SESSION = SessionAttributes.model_validate(
    {
        "areasToWorkout": ["back"],
        "volume": 50,
        "exerciseToKilograms": {"SECRET-exercise": 40.0},
        "useImperialUnits": True,
    }
)
GOOD = {"name": "Back", "exercises": [EXERCISE], "notes": ""}


def session_response(arguments: object, **changes: Any) -> Scripted:
    """Return a response with a call of the function for a session."""
    text = arguments if isinstance(arguments, str) else json.dumps(arguments)
    return Scripted(Speech(function="make_session", arguments=text), **changes)


def with_exercise(**changes: object) -> dict[str, Any]:
    return {**GOOD, "exercises": [{**EXERCISE, **changes}]}


async def test_plan_has_the_requested_number_of_sessions(fake: FakeModel) -> None:
    plan = await fake.planner().workout(WORKOUT)
    assert len(plan.sessions) == 4
    assert "fake" in plan.description


async def test_volume_sets_the_number_of_exercises(fake: FakeModel) -> None:
    session = await fake.planner().session(SESSION)
    assert len(session.exercises) == 6


async def test_request_has_a_strict_schema(fake: FakeModel) -> None:
    await fake.planner(model="some-model", max_tokens=5000).workout(WORKOUT)
    [request] = fake.openai.requests
    assert (request["model"], request["max_completion_tokens"]) == ("some-model", 5000)
    assert request["tool_choice"]["function"]["name"] == "make_workout_plan"
    [tool] = request["tools"]
    assert tool["function"]["strict"] is True
    for part in parts_of(tool["function"]["parameters"]):
        if part.get("type") == "object":
            assert part["additionalProperties"] is False
            assert set(part["required"]) == set(part["properties"])
        # OpenAI rejects strict schemas with these keywords.
        assert not part.keys() & {"default", "maxLength", "minLength", "pattern", "maxItems"}


def parts_of(schema: Any) -> list[dict[str, Any]]:
    """Return a schema and all nested schemas."""
    if isinstance(schema, list):
        return [part for each in schema for part in parts_of(each)]
    if not isinstance(schema, dict):
        return []
    return [schema, *(part for each in schema.values() for part in parts_of(each))]


INVALID = {
    "no call": Scripted(Speech(text="Here is some text.")),
    "another function": Scripted(Speech(function="rm", arguments="{}")),
    "broken json": session_response('{"name": "Back", "exercises": ['),
    "no arguments": session_response(""),
    "garbage after it": session_response(json.dumps(GOOD) + "garbage"),
    "not an object": session_response([GOOD]),
    "a field is missing": session_response({"name": "Back", "notes": ""}),
    "no exercises": session_response({**GOOD, "exercises": []}),
    "too many exercises": session_response({**GOOD, "exercises": [EXERCISE] * 21}),
    "no sets": session_response(with_exercise(sets=0)),
    "too many repetitions": session_response(with_exercise(repsPerSet=1000)),
    "half a set": session_response(with_exercise(sets=2.5)),
    "an endless increase": session_response(
        json.dumps(with_exercise(weightIncreaseOnSuccess=0)).replace(
            '"weightIncreaseOnSuccess": 0', '"weightIncreaseOnSuccess": 1e999'
        )
    ),
    "a rest in seconds": session_response(with_exercise(restBetweenSets=dict.fromkeys(
        ("minRest", "maxRest", "failureRest"), 90))),
    "a rest of 61 seconds": session_response(with_exercise(
        restBetweenSets={**EXERCISE["restBetweenSets"], "minRest": "00:00:61"})),
    "rests that shrink": session_response(with_exercise(
        restBetweenSets={**EXERCISE["restBetweenSets"], "maxRest": "00:00:30"})),
    "a script as link": session_response(with_exercise(link="javascript:alert(1)")),
    "a name that is too long": session_response({**GOOD, "name": "x" * 101}),
}  # fmt: skip
EVERY_INVALID = pytest.mark.parametrize("invalid", INVALID.values(), ids=INVALID)


def failures(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    """Return the log records that the alert on model failures counts."""
    return [each for each in caplog.records if each.levelno >= logging.WARNING]


@EVERY_INVALID
async def test_invalid_plan_is_corrected_once(
    fake: FakeModel, caplog: pytest.LogCaptureFixture, invalid: Scripted
) -> None:
    fake.openai.script += [invalid, session_response(GOOD)]
    session = await fake.planner().session(SESSION)
    assert session.model_dump(mode="json") == GOOD
    first, second = fake.openai.requests
    assert second["messages"][: len(first["messages"])] == first["messages"]
    correction = json.dumps(second["messages"][len(first["messages"]) :])
    assert "does not fit" in correction
    assert failures(caplog) == []


@EVERY_INVALID
async def test_second_invalid_plan_is_a_failure(
    fake: FakeModel, caplog: pytest.LogCaptureFixture, invalid: Scripted
) -> None:
    fake.openai.script += [invalid, invalid, session_response(GOOD)]
    with pytest.raises(DependencyFailed):
        await fake.planner().session(SESSION)
    assert len(fake.openai.requests) == 2
    assert len(failures(caplog)) == 1


async def test_plan_with_too_few_sessions_is_invalid(fake: FakeModel) -> None:
    half = {"name": "Half", "description": "", "sessions": [GOOD] * 3}
    whole = {"name": "Whole", "description": "", "sessions": [GOOD] * 4}
    fake.openai.script += [
        Scripted(Speech(function="make_workout_plan", arguments=json.dumps(plan)))
        for plan in (half, whole, half, half)
    ]
    assert (await fake.planner().workout(WORKOUT)).name == "Whole"
    with pytest.raises(DependencyFailed):
        await fake.planner().workout(WORKOUT)


async def test_absent_usage_is_logged_as_zero(
    fake: FakeModel, caplog: pytest.LogCaptureFixture
) -> None:
    uncounted = b'data: {"choices": [], "usage": {"prompt_tokens": null}}\n\n'
    fake.server.faults.append(Fault(200, uncounted, {"Content-Type": "text/event-stream"}))
    with pytest.raises(DependencyFailed):
        await fake.planner().session(SESSION)
    assert "0 prompt tokens" in caplog.text


async def test_cut_correction_is_a_failure(fake: FakeModel) -> None:
    fake.openai.script += [session_response("{"), session_response(GOOD, cut_after=3)]
    with pytest.raises(DependencyFailed):
        await fake.planner().session(SESSION)


UNCORRECTABLE = {
    "a refusal": Scripted(Speech(refusal="I will not do that.")),
    "a filter": session_response(GOOD, finish_reason="content_filter"),
    "cut at once": session_response(GOOD, cut_after=0),
    "cut in the middle": session_response(GOOD, cut_after=5),
}
TOO_LONG = {
    "token limit": session_response(json.dumps(GOOD)[:40], finish_reason="length"),
    "complete at the token limit": session_response(GOOD, finish_reason="length"),
    "too long arguments": session_response({**GOOD, "notes": "x" * 200_000}),
    "too long text": Scripted(Speech(text="x" * 104_000)),
}


@pytest.mark.parametrize("uncorrectable", UNCORRECTABLE.values(), ids=UNCORRECTABLE)
async def test_uncorrectable_response_is_a_failure(
    fake: FakeModel, caplog: pytest.LogCaptureFixture, uncorrectable: Scripted
) -> None:
    fake.openai.script += [uncorrectable]
    with pytest.raises(DependencyFailed) as caught:
        await fake.planner().session(SESSION)
    assert type(caught.value) is DependencyFailed
    assert len(fake.openai.requests) == 1
    assert len(failures(caplog)) == 1


@pytest.mark.parametrize("too_long", TOO_LONG.values(), ids=TOO_LONG)
async def test_too_long_response_has_its_own_error(
    fake: FakeModel, caplog: pytest.LogCaptureFixture, too_long: Scripted
) -> None:
    fake.openai.script += [too_long]
    with pytest.raises(ResponseTooLong):
        await fake.planner().session(SESSION)
    assert len(fake.openai.requests) == 1
    assert len(failures(caplog)) == 1


async def test_too_small_context_has_its_own_error(
    fake: FakeModel, caplog: pytest.LogCaptureFixture
) -> None:
    fake.openai.context_tokens = 10
    with pytest.raises(RequestTooLong):
        await fake.planner().session(SESSION)
    assert len(fake.openai.requests) == 1
    assert [each.levelname for each in failures(caplog)] == ["ERROR"]


async def test_only_links_of_the_user_are_kept(fake: FakeModel) -> None:
    own, invented = "http://example.org/row", "https://example.org/invented"
    exercises = [{**EXERCISE, "link": own}, {**EXERCISE, "link": invented}]
    fake.openai.script += [session_response({**GOOD, "exercises": exercises})]
    wish = SESSION.model_copy(update={"additional_info": f"Row as in {own}."})
    session = await fake.planner().session(wish)
    assert [each.link for each in session.exercises] == [own, ""]


STATUSES: dict[str, tuple[Fault, type[LiftLogError], int, int]] = {
    "overloaded": (Fault(429, headers={"Retry-After": "37"}), DependencyUnavailable, 37, 1),
    "overloaded until a day": (
        Fault(429, headers={"Retry-After": "Mon, 23 Nov 2026 10:00:00 GMT"}),
        DependencyUnavailable,
        10,
        3,
    ),
    "overloaded for years": (
        Fault(429, headers={"Retry-After": "1e300"}),
        DependencyUnavailable,
        3600,
        1,
    ),
    "overloaded without end": (
        Fault(429, headers={"Retry-After": "inf"}),
        DependencyUnavailable,
        10,
        3,
    ),
    "down for a minute": (Fault(503, headers={"Retry-After": "60"}), DependencyFailed, 60, 1),
    "request timeout": (Fault(408), DependencyFailed, 10, 3),
    "conflict": (Fault(409), DependencyFailed, 10, 3),
    "quota exhausted": (
        Fault(429, b'{"error": {"code": "insufficient_quota", "message": "..."}}'),
        DependencyUnavailable,
        10,
        1,
    ),
    "broken": (Fault(500), DependencyFailed, 10, 3),
    "down": (Fault(503), DependencyFailed, 10, 3),
    "our key is refused": (Fault(401), DependencyFailed, 10, 1),
    "no such model": (Fault(404, b'{"error": {"message": "..."}}'), DependencyFailed, 10, 1),
    "our schema is refused": (Fault(400), DependencyFailed, 10, 1),
    "garbage": (Fault(200, b"<html>"), DependencyFailed, 10, 1),
    "garbage in the stream": (
        Fault(200, b"data: {nonsense\n\n", {"Content-Type": "text/event-stream"}),
        DependencyFailed,
        10,
        1,
    ),
    "an error in the stream": (
        Fault(200, b'data: {"error": {"message": "x"}}\n\n', {"Content-Type": "text/event-stream"}),
        DependencyFailed,
        10,
        1,
    ),
    **{
        f"malformed chunk {n}": (
            Fault(200, b"data: " + malformed + b"\n\n", {"Content-Type": "text/event-stream"}),
            DependencyFailed,
            10,
            1,
        )
        for n, malformed in enumerate(
            (
                b"[]",
                b"7",
                b'{"choices": null}',
                b'{"choices": [{"delta": null}]}',
                b"[" * 100_000,
            )
        )
    },
    "cut": (Fault(is_cut=True), DependencyFailed, 10, 3),
}


@pytest.mark.parametrize(
    ("fault", "error", "retry_after_s", "calls"), STATUSES.values(), ids=STATUSES
)
async def test_fault_of_the_server_raises_its_error(
    fake: FakeModel,
    caplog: pytest.LogCaptureFixture,
    fault: Fault,
    error: type[DependencyUnavailable],
    retry_after_s: int,
    calls: int,
) -> None:
    fake.server.faults += [fault] * 3
    before = fake.server.calls
    with pytest.raises(DependencyUnavailable) as caught:
        await fake.planner().session(SESSION)
    assert type(caught.value) is error
    assert caught.value.retry_after_s == retry_after_s
    assert fake.server.calls - before == calls
    is_ours = fault.status in (400, 401, 404) or b"quota" in fault.body
    [failure] = failures(caplog)
    assert (failure.levelno == logging.ERROR) == is_ours


@pytest.mark.parametrize(
    "fault",
    [Fault(429), Fault(429, headers={"Retry-After": "1"}), Fault(500), Fault(is_cut=True)],
    ids=["overloaded", "overloaded for a second", "broken", "cut"],
)
async def test_transient_fault_is_retried(fake: FakeModel, fault: Fault) -> None:
    fake.server.faults += [fault]
    await fake.planner().session(SESSION)
    assert len(fake.openai.requests) == 1


async def test_retry_waits_for_retry_after(fake: FakeModel) -> None:
    fake.server.faults += [Fault(503, headers={"Retry-After": "1"})]
    begin = time.monotonic()
    await fake.planner().session(SESSION)
    assert time.monotonic() - begin >= 1


async def test_correction_names_the_mistake(fake: FakeModel) -> None:
    fake.openai.script += [
        session_response(with_exercise(sets=0, name="SECRET-name")),
        session_response(GOOD),
    ]
    await fake.planner().session(SESSION)
    response = fake.openai.requests[1]["messages"][-1]
    assert response["role"] == "tool"
    assert "exercises.0.sets: Input should be greater than or equal to 1" in response["content"]


async def test_only_the_first_call_is_kept() -> None:
    reply = ModelResponse()
    for index, text in ((0, "{"), (1, "ignored"), (0, "}")):
        function = ChoiceDeltaToolCallFunction(name="f" if text == "{" else None, arguments=text)
        call = ChoiceDeltaToolCall(index=index, id="1", function=function)
        delta = ChoiceDelta(tool_calls=[call])
        choices = [Choice(index=n, delta=delta, finish_reason=None) for n in range(2)]
        chunk = ChatCompletionChunk(
            id="1", created=0, model="m", object="chat.completion.chunk", choices=choices
        )
        reply.add(chunk.model_dump())
    assert reply.call is not None
    assert (reply.call.function, reply.call.arguments) == ("f", "{}")


async def test_retries_can_be_disabled(fake: FakeModel) -> None:
    fake.server.faults += [Fault(500)]
    with pytest.raises(DependencyFailed):
        await fake.planner(retries=0).session(SESSION)


async def test_silent_model_times_out(fake: FakeModel) -> None:
    fake.server.faults += [Fault(is_silent=True)]
    before = fake.server.calls
    with pytest.raises(DependencyTimedOut):
        await fake.planner(silence_s=0.2).session(SESSION)
    assert fake.server.calls - before == 1


async def test_model_times_out_when_it_stops_mid_stream(fake: FakeModel) -> None:
    fake.openai.script += [session_response(GOOD, silent_after=5)]
    with pytest.raises(DependencyTimedOut):
        await fake.planner(silence_s=0.2).session(SESSION)
    await wait_until_idle(fake)


async def test_slow_model_times_out_at_the_deadline(fake: FakeModel) -> None:
    fake.openai.script += [session_response(GOOD, silent_after=5)]
    with pytest.raises(DependencyTimedOut):
        await fake.planner(deadline_s=0.3).session(SESSION)
    await wait_until_idle(fake)


async def test_unreachable_model_is_a_failure(fake: FakeModel) -> None:
    planner = fake.planner(base_url="http://127.0.0.1:9/v1", retries=0)
    with pytest.raises(DependencyFailed):
        await planner.session(SESSION)


async def test_missing_key_names_the_setting(fake: FakeModel) -> None:
    with pytest.raises(DependencyUnavailable, match="OPENAI_API_KEY"):
        await fake.planner(api_key=None).session(SESSION)
    assert not fake.openai.requests


async def test_cancellation_stops_the_model(fake: FakeModel) -> None:
    fake.openai.script += [session_response(GOOD, silent_after=5)]
    planning = asyncio.create_task(fake.planner().session(SESSION))
    await until(lambda: fake.openai.open_streams == 1)
    planning.cancel()
    with pytest.raises(asyncio.CancelledError):
        await planning
    await wait_until_idle(fake)


async def wait_until_idle(fake: FakeModel) -> None:
    """Return once the model sends no response any more."""
    await until(lambda: fake.openai.open_streams == 0)


async def test_log_has_usage_without_content(
    fake: FakeModel, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        await fake.planner().workout(WORKOUT)
        fake.openai.script += [
            session_response("SECRET-arguments"),
            session_response("SECRET-arguments"),
        ]
        with pytest.raises(DependencyFailed):
            await fake.planner().session(SESSION)
    usage = [each for each in caplog.records if "completion tokens" in each.message]
    assert len(usage) == 3
    for each in usage:
        fields = vars(each)["json_fields"]
        prompt, completion = fields["prompt_tokens"], fields["completion_tokens"]
        assert min(prompt, completion) > 0
        assert f"{prompt} prompt tokens, {completion} completion tokens" in each.message
    assert "SECRET" not in caplog.text
    assert KEY not in caplog.text
