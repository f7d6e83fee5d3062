"""Plans of a year are shown and revised on both hubs."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from scripts.fakes.conversation import Speech
from scripts.fakes.exercises import WORKOUTS
from scripts.fakes.openai import Scripted
from tests.functions.chat.chat_service import ChatService, run_chat
from tests.functions.chat.hub_user import HUB_V1, HUB_V2, HubUser, connect_user
from tests.functions.chat.plan_version_3 import WHOLE_2025, WHOLE_2026
from tests.loopback import until

EXERCISES = [exercise for _title, exercises in WORKOUTS for exercise in exercises]
BOTH_HUBS = pytest.mark.parametrize("path", [HUB_V1, HUB_V2], ids=["2025", "2026"])
MAX_STATES = 200
"""Sent states of a plan: a constant number for each tenfold length."""


@pytest.fixture(scope="module")
def long_service() -> Iterator[ChatService]:
    """A chat whose model has room for the longest plan, twice."""
    with run_chat(
        OPENAI_CONTEXT_TOKENS="10000000",
        OPENAI_MAX_TOKENS="1000000",
        OPENAI_DEADLINE_S="3000",
        OPENAI_SILENCE_S="600",
    ) as service:
        yield service


@pytest.fixture
def service(long_service: ChatService) -> Iterator[ChatService]:
    yield long_service
    long_service.reset_model()


@pytest.fixture
def size(*, is_long: bool) -> tuple[int, int]:
    """The number of sessions, and of exercises of a session."""
    return (364, 60) if is_long else (208, 8)


def plan_of(path: str, sessions: int, exercises: int, name: str = "SECRET-year") -> dict[str, Any]:
    def exercise(number: int) -> dict[str, Any]:
        found = EXERCISES[number % len(EXERCISES)]
        if path == HUB_V1:
            return found.as_json(imperial=False)
        return found.as_blueprint(imperial=False, superset=False)

    return {
        "name": name,
        "description": "SECRET-reasons",
        "sessions": [
            {
                "name": f"Week {day // 7 + 1}, day {day % 7 + 1}",
                "exercises": [exercise(day + place) for place in range(exercises)],
                "notes": "",
            }
            for day in range(sessions)
        ],
    }


def plan_response(plan: dict[str, Any]) -> Scripted:
    text = json.dumps(plan, separators=(",", ":"))
    return Scripted(Speech("SECRET-Here it is.", "show_plan", text))


def sessions_of(message: dict[str, Any]) -> Any:
    return (message.get("plan") or message["blueprint"])["sessions"]


def check_last_plan(user: HubUser, plan: dict[str, Any]) -> None:
    """Assert that the last plan is valid, and has the sessions of `plan`."""
    last = user.plans[-1]
    (WHOLE_2025 if "plan" in last else WHOLE_2026).validate(last)
    found = sessions_of(last)
    assert [each["name"] for each in found] == [each["name"] for each in plan["sessions"]]
    assert [len(each["exercises"]) for each in found] == [
        len(each["exercises"]) for each in plan["sessions"]
    ]


@BOTH_HUBS
async def test_plan_of_a_year_is_shown_and_revised(
    service: ChatService, path: str, size: tuple[int, int]
) -> None:
    plan = plan_of(path, *size)
    revised = {**plan_of(path, *size, name="SECRET-revised"), "sessions": plan["sessions"][:-1]}
    service.openai.script += [plan_response(plan), plan_response(revised)]
    async with connect_user(service, path) as user:
        assert await user.send_message("SECRET-a year") == "SECRET-Here it is."
        check_last_plan(user, plan)
        assert 10 < len(user.plans) < MAX_STATES
        counts = [len(sessions_of(each)) for each in user.plans]
        assert counts == sorted(counts)
        assert await user.send_message("SECRET-one less") == "SECRET-Here it is."
        check_last_plan(user, revised)
        assert user.plans[-1].get("name", "SECRET-revised") == "SECRET-revised"
    # The model receives the whole plan that it has to change.
    _prompt, first, called, responded, second = service.openai.requests[-1]["messages"]
    assert (first["content"], second["content"]) == ("SECRET-a year", "SECRET-one less")
    assert json.loads(called["tool_calls"][0]["function"]["arguments"]) == plan
    assert responded["tool_call_id"] == called["tool_calls"][0]["id"]


@BOTH_HUBS
async def test_longest_sessions_are_shown(service: ChatService, path: str) -> None:
    plan = plan_of(path, 1, 60)
    service.openai.script.append(plan_response(plan))
    async with connect_user(service, path) as user:
        await user.send_message("SECRET-a long day")
        check_last_plan(user, plan)


async def test_slow_client_gets_the_newest_long_plan(service: ChatService) -> None:
    plan = plan_of(HUB_V2, 104, 8)
    service.openai.script.append(plan_response(plan))
    async with connect_user(service, HUB_V2, is_slow=True) as user:
        invocation_id = await user.begin_message("SECRET-a year")
        await until(lambda: bool(service.openai.requests) and not service.openai.open_streams)
        user.enlarge_buffers()
        await user.wait_for_completion(invocation_id)
        check_last_plan(user, plan)
        # The buffers hold some tens of the first states, which are short.
        assert len(user.plans) < 60


async def test_plan_beyond_the_token_limit_is_an_apology(service: ChatService) -> None:
    text = json.dumps(plan_of(HUB_V2, 20, 8))
    cut = Speech("SECRET-Here it is.", "show_plan", text[: len(text) // 2])
    service.openai.script.append(Scripted(cut, finish_reason="length"))
    async with connect_user(service, HUB_V2) as user:
        reply = await user.send_message("SECRET-a year")
        assert reply.endswith("too long for me. Please ask for less, for example for fewer weeks.")
        assert user.received[-1]["type"] == "messageResponse"
        assert 5 < len(sessions_of(user.plans[-1])) <= 11
