"""Plans for apps of both years, checked against schemas written from the contract."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from jsonschema_rs import Draft202012Validator

from scripts.fakes.conversation import Speech
from scripts.fakes.openai import Scripted
from tests.functions.chat.chat_service import ChatService
from tests.functions.chat.hub_user import HUB_V1, HUB_V2, HubUser, connect_user, prompt_messages
from tests.functions.chat.plan_version_3 import (
    PARTIAL_2025,
    PARTIAL_2026,
    WHOLE_2025,
    WHOLE_2026,
)

REQUEST = "SECRET-request: a plan for 2 days"
SLOW_TOKENS_PER_S = 50
MAX_DEPTH = 10
UNSUPPORTED_IN_STRICT_SCHEMAS = {
    "oneOf", "allOf", "not", "if", "discriminator", "pattern", "minLength", "maxLength", "default",
    "patternProperties", "maxItems",
}  # fmt: skip
BOTH_HUBS = pytest.mark.parametrize(
    ("path", "partial", "whole"),
    [(HUB_V1, PARTIAL_2025, WHOLE_2025), (HUB_V2, PARTIAL_2026, WHOLE_2026)],
    ids=["2025", "2026"],
)


def sessions(message: dict[str, Any]) -> Any:
    """Return the sessions of a plan of either year."""
    return (message.get("plan") or message["blueprint"])["sessions"]


def exercises(message: dict[str, Any]) -> list[Any]:
    """Return the exercises of all sessions."""
    return [exercise for session in sessions(message) for exercise in session["exercises"]]


async def request_plan(user: HubUser, text: str = REQUEST) -> dict[str, Any]:
    """Request a plan; return the last message with one."""
    await user.send_message(text)
    return user.plans[-1]


@BOTH_HUBS
async def test_plan_messages_grow_until_complete(
    service: ChatService, path: str, partial: Draft202012Validator, whole: Draft202012Validator
) -> None:
    service.openai.tokens_per_s = SLOW_TOKENS_PER_S
    async with connect_user(service, path) as user:
        invocation_id = await user.begin_message(REQUEST)
        while not any(map(exercises, user.plans)):
            await user.receive()
        assert not user.completed
        service.openai.tokens_per_s = 0
        await user.wait_for_completion(invocation_id)
    for message in user.plans:
        partial.validate(message)
    whole.validate(user.plans[-1])
    counts = [len(exercises(message)) for message in user.plans]
    assert counts == sorted(counts)
    assert counts[0] < counts[-1]
    last = exercises(user.plans[-1])
    assert all(exercises(each) == last[: len(exercises(each))] for each in user.plans)
    assert user.received[0] == {"type": "messageResponse", "message": user.texts[0]}
    assert user.texts[-1] == "Here is a plan for you."


async def test_plan_omits_null_fields(service: ChatService) -> None:
    async with connect_user(service, HUB_V2) as user:
        message = await request_plan(user)
    assert "null" not in json.dumps(message)


async def test_plan_of_2026_uses_all_of_plan_version_3(service: ChatService) -> None:
    async with connect_user(service, HUB_V2) as user:
        message = await request_plan(user)
    assert message["name"] == message["blueprint"]["name"]
    found = exercises(message)
    assert {exercise["type"] for exercise in found} == {
        "WeightedExerciseBlueprint",
        "CardioExerciseBlueprint",
    }
    weighted = [exercise for exercise in found if "plannedSets" in exercise]
    assert any(exercise["supersetWithNext"] for exercise in weighted)
    assert {exercise["resistance"] for exercise in weighted} == {"external", "bodyweight"}
    rules = [rule for exercise in weighted for rule in exercise["progression"]]
    assert {rule["axis"] for rule in rules} == {"reps", "load"}
    assert {rule["scope"]["type"] for rule in rules} == {"allSets", "lowestSets"}
    assert all(("ceiling" in rule) == (rule["axis"] == "reps") for rule in rules)
    rounds = [each for exercise in found if "sets" in exercise for each in exercise["sets"]]
    assert {each["target"]["type"] for each in rounds} == {"time", "distance"}
    assert {"restBetweenSets" in each for each in rounds} == {True, False}


async def test_plan_has_the_date_of_today(service: ChatService) -> None:
    before = datetime.now(UTC).date()
    async with connect_user(service, HUB_V2) as user:
        message = await request_plan(user)
    edited = message["blueprint"]["lastEdited"]
    assert edited in (before.isoformat(), datetime.now(UTC).date().isoformat())


async def test_plan_of_2025_has_no_later_fields(service: ChatService) -> None:
    async with connect_user(service, HUB_V1) as user:
        message = await request_plan(user)
    assert message.keys() == {"type", "plan"}
    assert message["plan"].keys() == {"name", "description", "sessions"}
    assert len(sessions(message)) == 2


@pytest.mark.parametrize(("unit", "steps"), [("kilograms", {"5", "2.5"}), ("pounds", {"10", "5"})])
async def test_weights_are_in_the_unit_of_the_user(
    service: ChatService, unit: str, steps: set[str]
) -> None:
    async with connect_user(service, HUB_V2) as user:
        await user.introduce("en-AU", unit)
        message = await request_plan(user)
    known = [each for each in exercises(message) if each["name"] in ("Bench Press", "Pull Up")]
    found = {rule["step"] for each in known for rule in each["progression"]}
    assert found - {"1"} == steps  # 1 is a step of repetitions


@pytest.mark.parametrize("version", [2, 1, 0, -1, -(2**63)])
@pytest.mark.parametrize("target", ["Introduce", "SendMessage"])
async def test_old_app_gets_only_update_required(
    service: ChatService, version: int, target: str
) -> None:
    arguments = {
        "Introduce": ("en-AU", version, "kilograms"),
        "SendMessage": (REQUEST, version),
    }
    async with connect_user(service, HUB_V2) as user:
        await user.invoke(target, *arguments[target])
        assert user.received == [{"type": "updateRequired", "requiredVersion": 3}]
        assert not service.openai.requests
        # The history does not have the rejected message.
        await user.send_message("SECRET-hello")
    assert prompt_messages(service) == [("user", "SECRET-hello")]


@pytest.mark.parametrize("version", [3, 4, 2**53])
async def test_newer_app_gets_plans(service: ChatService, version: int) -> None:
    async with connect_user(service, HUB_V2) as user:
        await user.invoke("SendMessage", REQUEST, version)
    WHOLE_2026.validate(user.plans[-1])
    assert user.plans[-1]["version"] == 3
    assert not any(message["type"] == "updateRequired" for message in user.received)


async def test_update_required_does_not_stop_a_reply(service: ChatService) -> None:
    service.openai.tokens_per_s = SLOW_TOKENS_PER_S
    service.openai.script.append(Scripted(Speech("SECRET-reply " * 300)))
    async with connect_user(service, HUB_V2) as user:
        reply = await user.begin_message("SECRET-hello")
        while not user.texts:
            await user.receive()
        await user.invoke("SendMessage", "SECRET-old", 2)
        assert reply not in user.completed
        service.openai.tokens_per_s = 0
        await user.wait_for_completion(reply)
    assert user.texts[-1] == "SECRET-reply " * 300


@pytest.mark.parametrize("path", [HUB_V1, HUB_V2], ids=["2025", "2026"])
async def test_model_gets_a_valid_strict_schema(service: ChatService, path: str) -> None:
    async with connect_user(service, path) as user:
        await user.send_message("SECRET-hello")
    [tool] = service.openai.requests[-1]["tools"]
    function = tool["function"]
    assert function["strict"] is True
    schema = function["parameters"]
    assert schema["type"] == "object"
    for part in parts_of(schema):
        assert not part.keys() & UNSUPPORTED_IN_STRICT_SCHEMAS
        assert part.keys() == {"$ref"} or "$ref" not in part
        if part.get("type") == "object":
            assert part["additionalProperties"] is False
            assert set(part["required"]) == set(part["properties"])
    assert depth(schema, schema) <= MAX_DEPTH


def parts_of(schema: Any) -> Iterator[dict[str, Any]]:
    """Yield a schema and all nested schemas."""
    yield schema
    for name, value in schema.items():
        match name:
            case "properties" | "$defs":
                inner = list(value.values())
            case "items":
                inner = [value]
            case "anyOf":
                inner = value
            case _:
                continue
        for each in inner:
            yield from parts_of(each)


def depth(schema: dict[str, Any], root: dict[str, Any]) -> int:
    """Return the nesting depth of objects and lists."""
    if "$ref" in schema:
        return depth(root["$defs"][schema["$ref"].removeprefix("#/$defs/")], root)
    inner = [*schema.get("properties", {}).values(), *schema.get("anyOf", ())]
    if "items" in schema:
        inner.append(schema["items"])
    level = int(schema.get("type") in ("object", "array"))
    return level + max((depth(each, root) for each in inner), default=0)
