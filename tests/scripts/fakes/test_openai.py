"""The fake language model, through OpenAI's client."""

import json
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import openai
import pytest
from openai import AsyncOpenAI

from scripts.fakes.openai import OpenAi
from scripts.fakes.settings import WEB_KEY, local_services
from shared.planner.prompts import INTRODUCE, PLAN_SHOWN, coach_prompt
from shared.schemas.ai import Session, WorkoutPlan
from shared.schemas.blueprint import Program, WeightedExercise
from tests.loopback import served

PLAN = openai.pydantic_function_tool(WorkoutPlan, name="make_workout_plan")
SESSION = openai.pydantic_function_tool(Session, name="make_session")
PROGRAM = openai.pydantic_function_tool(Program, name="show_plan")
TOKENS_PER_S = 200


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with served(OpenAi(tokens_per_s=TOKENS_PER_S).app()) as address:
        yield address


@pytest.fixture
async def client(address: str) -> AsyncIterator[AsyncOpenAI]:
    async with AsyncOpenAI(api_key="any", base_url=f"{address}/v1") as client:
        yield client


async def reply(
    client: AsyncOpenAI, *words: str, tool: Any = PLAN, instructions: str = "Make plans."
) -> Any:
    """Return the reply to `words`, messages of user and assistant in alternation."""
    roles = ("user", "assistant")
    messages: Any = [{"role": roles[n % 2], "content": text} for n, text in enumerate(words)]
    completion = await client.chat.completions.create(
        model="any", messages=[{"role": "system", "content": instructions}, *messages], tools=[tool]
    )
    assert completion.usage is not None
    assert completion.usage.completion_tokens > 0
    return completion.choices[0].message


@pytest.mark.parametrize(
    "wish", ["Make me a plan", "I need a 4 days workout.", "A new program, please!"]
)
async def test_plan_request_returns_text_and_plan(client: AsyncOpenAI, wish: str) -> None:
    message = await reply(client, wish)
    assert message.content
    [call] = message.tool_calls
    assert call.function.name == "make_workout_plan"
    plan = WorkoutPlan.model_validate_json(call.function.arguments)
    assert "fake" in plan.description


async def test_plan_follows_the_request(client: AsyncOpenAI) -> None:
    message = await reply(client, "I want a plan for 5 days a week.")
    assert len(json.loads(message.tool_calls[0].function.arguments)["sessions"]) == 5


async def test_last_user_message_decides(client: AsyncOpenAI) -> None:
    message = await reply(client, "Make me a plan", "Here it is.", "Thank you!")
    assert message.tool_calls is None
    assert "fake" in message.content


async def test_explanation_has_several_paragraphs(client: AsyncOpenAI) -> None:
    message = await reply(client, "Explain progression to me")
    assert message.tool_calls is None
    assert message.content.count("\n\n") >= 3


async def test_session_follows_areas_and_exercises(
    client: AsyncOpenAI,
) -> None:
    wish = (
        "Make me one workout session.\nAreas to train: legs\nNumber of exercises: 3\n"
        "Exercises that I do, and what I lift; prefer these where they fit: Back squat 9 kg; "
        "leg press 100 kg"
    )
    message = await reply(client, wish, tool=SESSION)
    session = Session.model_validate_json(message.tool_calls[0].function.arguments)
    assert [e.name for e in session.exercises] == ["Squat", "Romanian Deadlift", "leg press"]


@pytest.mark.parametrize("days", range(1, 8))
async def test_chat_plans_are_valid_in_version_3(client: AsyncOpenAI, days: int) -> None:
    wish = "A plan for 1 day, please" if days == 1 else f"A plan for {days} days, please"
    message = await reply(client, wish, tool=PROGRAM)
    [call] = message.tool_calls
    assert call.function.name == "show_plan"
    program = Program.model_validate_json(call.function.arguments)
    assert len(program.sessions) == days
    for session in program.sessions:
        weighted = [each for each in session.exercises if isinstance(each, WeightedExercise)]
        assert len(weighted) == len(session.exercises) - 1
        assert [each.superset_with_next for each in weighted].count(True) == 1


@pytest.mark.parametrize(
    ("unit", "step"), [("pounds (lb)", "10"), ("kilograms (kg)", "5"), (None, "5")]
)
async def test_chat_plans_use_the_unit_of_the_user(
    client: AsyncOpenAI, unit: str | None, step: str
) -> None:
    instructions = coach_prompt("en-AU", unit)
    message = await reply(client, "A plan for 1 days", tool=PROGRAM, instructions=instructions)
    program = json.loads(message.tool_calls[0].function.arguments)
    bench = program["sessions"][0]["exercises"][0]
    assert (bench["name"], bench["progression"][0]["step"]) == ("Bench Press", step)


async def test_introduction_has_no_plan(client: AsyncOpenAI) -> None:
    message = await reply(client, INTRODUCE, tool=PROGRAM, instructions=coach_prompt("de-DE", None))
    assert message.tool_calls is None
    assert "fake" in message.content


async def test_reply_after_a_shown_plan_is_text(client: AsyncOpenAI) -> None:
    function: Any = {"name": "show_plan", "arguments": "{}"}
    call: Any = {"id": "call_9", "type": "function", "function": function}
    completion = await client.chat.completions.create(
        model="any",
        messages=[
            {"role": "user", "content": "Make me a plan"},
            {"role": "assistant", "content": None, "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "call_9", "content": PLAN_SHOWN},
        ],
        tools=[PROGRAM],
    )
    assert completion.choices[0].message.tool_calls is None
    assert completion.choices[0].message.content


async def test_forced_function_call_has_no_text(client: AsyncOpenAI) -> None:
    completion = await client.chat.completions.create(
        model="any",
        messages=[{"role": "user", "content": "Hello"}],
        tools=[PROGRAM],
        tool_choice={"type": "function", "function": {"name": "show_plan"}},
    )
    message: Any = completion.choices[0].message
    assert not message.content
    Program.model_validate_json(message.tool_calls[0].function.arguments)


async def test_stream_has_its_pace_and_the_same_content(
    client: AsyncOpenAI,
) -> None:
    begin = time.monotonic()
    pieces: list[str] = []
    async with await client.chat.completions.create(
        model="any",
        messages=[{"role": "user", "content": "Hello"}],
        stream=True,
        stream_options={"include_usage": True},
    ) as stream:
        chunks = [chunk async for chunk in stream]
    pieces = [c.choices[0].delta.content or "" for c in chunks if c.choices]
    assert time.monotonic() - begin >= (len(pieces) - 2) / TOKENS_PER_S
    assert chunks[-1].usage is not None
    assert "".join(pieces) == (await reply(client, "Hello")).content


async def test_client_may_disconnect_before_its_request_is_read() -> None:
    came = iter(
        [
            {"type": "http.request", "body": b"{", "more_body": True},
            {"type": "http.disconnect"},
        ]
    )
    sent: list[Any] = []

    async def receive() -> Any:
        return next(came)

    async def send(message: Any) -> None:
        sent.append(message)

    path = "/v1/chat/completions"
    scope = {"type": "http", "method": "POST", "path": path, "headers": [], "query_string": b""}
    await OpenAi().app()(scope, receive, send)
    assert sent == []


async def test_models_list_has_the_fake(client: AsyncOpenAI) -> None:
    assert [model.id async for model in client.models.list()] == ["fake"]


@pytest.mark.parametrize(
    ("environment", "kept"),
    [
        ({"OPENAI_API_KEY": "key"}, {"OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_MODEL"}),
        ({"OPENAI_BASE_URL": "http://127.0.0.1:11434/v1"}, {"OPENAI_BASE_URL", "OPENAI_MODEL"}),
        ({"REVENUECAT_API_KEY": "key"}, {"REVENUECAT_API_KEY", "REVENUECAT_URL"}),
        ({"WEB_AUTH_KEY": "key"}, {"WEB_AUTH_KEY"}),
    ],
    ids=["a key", "a self-hosted server", "RevenueCat", "the web app"],
)
def test_settings_of_the_developer_replace_fakes(
    environment: dict[str, str], kept: set[str]
) -> None:
    assert not local_services(environment, "http://fakes").keys() & kept


def test_fakes_replace_all_without_keys() -> None:
    settings = local_services({"OPENAI_API_KEY": ""}, "http://fakes")
    assert settings["WEB_AUTH_KEY"] == WEB_KEY
    assert settings["OPENAI_BASE_URL"] == "http://fakes/openai/v1"
    assert settings["REVENUECAT_URL"] == "http://fakes/revenuecat"
