"""The stand-in for a language model, as OpenAI's own client sees it."""

import json
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import openai
import pytest
from openai import AsyncOpenAI

from scripts.stand_ins.openai import OpenAi
from scripts.stand_ins.settings import WEB_KEY, local_services
from shared.schemas.ai import Session, WorkoutPlan
from tests.loopback import served

PLAN = openai.pydantic_function_tool(WorkoutPlan, name="make_workout_plan")
SESSION = openai.pydantic_function_tool(Session, name="make_session")
PACE = 200


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with served(OpenAi(tokens_per_s=PACE).app()) as address:
        yield address


@pytest.fixture
async def client(address: str) -> AsyncIterator[AsyncOpenAI]:
    async with AsyncOpenAI(api_key="any", base_url=f"{address}/v1") as client:
        yield client


async def reply(client: AsyncOpenAI, *words: str, tool: Any = PLAN) -> Any:
    """Return the message that answers `words`, said by user and assistant in turn."""
    roles = ("user", "assistant")
    said: Any = [{"role": roles[n % 2], "content": text} for n, text in enumerate(words)]
    completion = await client.chat.completions.create(
        model="any", messages=[{"role": "system", "content": "Make plans."}, *said], tools=[tool]
    )
    assert completion.usage is not None
    assert completion.usage.completion_tokens > 0
    return completion.choices[0].message


@pytest.mark.parametrize(
    "wish", ["Make me a plan", "I need a 4 days workout.", "A new program, please!"]
)
async def test_who_asks_for_a_plan_gets_a_sentence_and_a_plan(
    client: AsyncOpenAI, wish: str
) -> None:
    message = await reply(client, wish)
    assert message.content
    [call] = message.tool_calls
    assert call.function.name == "make_workout_plan"
    plan = WorkoutPlan.model_validate_json(call.function.arguments)
    assert "stand-in" in plan.description


async def test_a_plan_is_made_from_what_was_asked_for(client: AsyncOpenAI) -> None:
    message = await reply(client, "I want a plan for 5 days a week.")
    assert len(json.loads(message.tool_calls[0].function.arguments)["sessions"]) == 5


async def test_only_the_last_wish_counts(client: AsyncOpenAI) -> None:
    message = await reply(client, "Make me a plan", "Here it is.", "Thank you!")
    assert message.tool_calls is None
    assert "stand-in" in message.content


async def test_who_asks_for_an_explanation_gets_several_paragraphs(client: AsyncOpenAI) -> None:
    message = await reply(client, "Explain progression to me")
    assert message.tool_calls is None
    assert message.content.count("\n\n") >= 3


async def test_a_session_is_made_of_the_areas_and_exercises_that_were_named(
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


async def test_it_talks_at_its_pace_and_streams_what_it_would_have_said_at_once(
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
    assert time.monotonic() - begin >= (len(pieces) - 2) / PACE
    assert chunks[-1].usage is not None
    assert "".join(pieces) == (await reply(client, "Hello")).content


async def test_it_lists_itself(client: AsyncOpenAI) -> None:
    assert [model.id async for model in client.models.list()] == ["stand-in"]


@pytest.mark.parametrize(
    ("environment", "kept"),
    [
        ({"OPENAI_API_KEY": "key"}, {"OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_MODEL"}),
        ({"OPENAI_BASE_URL": "http://127.0.0.1:11434/v1"}, {"OPENAI_BASE_URL", "OPENAI_MODEL"}),
        ({"REVENUECAT_API_KEY": "key"}, {"REVENUECAT_API_KEY", "REVENUECAT_URL"}),
        ({"WEB_AUTH_KEY": "key"}, {"WEB_AUTH_KEY"}),
    ],
    ids=["a key", "a server of one's own", "RevenueCat", "the web app"],
)
def test_what_the_developer_has_set_is_not_stood_in_for(
    environment: dict[str, str], kept: set[str]
) -> None:
    assert not local_services(environment, "http://stand-ins").keys() & kept


def test_without_any_keys_everything_is_stood_in_for() -> None:
    settings = local_services({"OPENAI_API_KEY": ""}, "http://stand-ins")
    assert settings["WEB_AUTH_KEY"] == WEB_KEY
    assert settings["OPENAI_BASE_URL"] == "http://stand-ins/openai/v1"
    assert settings["REVENUECAT_URL"] == "http://stand-ins/revenuecat"
