"""Workout plans over HTTP.

Source: contract, headings "AI" and "Purchase tokens".
"""

import re
from typing import Any
from uuid import uuid4

import pytest

from scripts.fakes.revenuecat import SUBSCRIBER
from scripts.fakes.settings import WEB_KEY
from tests.api_client import ApiClient
from tests.functions.test_general import assert_problem

WORKOUT: dict[str, Any] = {
    "gender": "Female",
    "weightRange": "60-70",
    "age": 33,
    "daysPerWeek": 3,
    "goals": ["Get stronger"],
    "experience": "Intermediate",
    "useImperialUnits": False,
    "additionalInfo": "no barbell",
}
SESSION: dict[str, Any] = {
    "areasToWorkout": ["chest", "back"],
    "volume": 50,
    "exerciseToKilograms": {"Bench press": 80.5, "Row": 40},
    "useImperialUnits": True,
}
WEB = f"Web {WEB_KEY}"
REST = re.compile(r"\d\d:[0-5]\d:[0-5]\d")


@pytest.fixture
def token() -> str:
    """The token of a subscriber without previous requests."""
    return f"RevenueCat {SUBSCRIBER}-{uuid4()}"


def assert_session(session: dict[str, Any]) -> None:
    """Check that `session` has exactly the fields of the contract."""
    assert session.keys() == {"name", "exercises", "notes"}
    assert session["exercises"]
    for exercise in session["exercises"]:
        assert exercise.keys() == {
            "name", "sets", "repsPerSet", "weightIncreaseOnSuccess", "restBetweenSets",
            "supersetWithNext", "notes", "link",
        }  # fmt: skip
        assert isinstance(exercise["name"], str)
        assert isinstance(exercise["sets"], int)
        assert isinstance(exercise["repsPerSet"], int)
        assert isinstance(exercise["weightIncreaseOnSuccess"], float)
        assert isinstance(exercise["supersetWithNext"], bool)
        rests = exercise["restBetweenSets"]
        assert rests.keys() == {"minRest", "maxRest", "failureRest"}
        assert all(REST.fullmatch(rest) for rest in rests.values())
        assert rests["minRest"] <= rests["maxRest"] <= rests["failureRest"]


@pytest.mark.parametrize("prefix", ["", "/v2"], ids=["installed", "public"])
async def test_subscriber_receives_plan(client: ApiClient, prefix: str, token: str) -> None:
    response = await client.post(f"{prefix}/ai/workout", {"attributes": WORKOUT}, token)
    assert response.status_code == 200, response.text
    plan = response.json()
    assert plan.keys() == {"name", "description", "sessions"}
    assert len(plan["sessions"]) == WORKOUT["daysPerWeek"]
    for session in plan["sessions"]:
        assert_session(session)


@pytest.mark.parametrize("prefix", ["", "/v2"], ids=["installed", "public"])
async def test_subscriber_receives_session(client: ApiClient, prefix: str, token: str) -> None:
    response = await client.post(f"{prefix}/ai/session", {"attributes": SESSION}, token)
    assert response.status_code == 200, response.text
    assert_session(response.json())


@pytest.mark.parametrize("form", ["{}", "Bearer {}", "bearer {}"])
async def test_bearer_scheme_is_accepted(client: ApiClient, form: str) -> None:
    response = await client.post("/v2/ai/session", {"attributes": SESSION}, form.format(WEB))
    assert response.status_code == 200


@pytest.mark.parametrize("path", ["/v2/ai/workout", "/v2/ai/session", "/ai/workout"])
@pytest.mark.parametrize(
    "token",
    [
        None,
        "Web wrong-key",
        "Web",
        WEB_KEY,
        f"Amazon {WEB_KEY}",
        "RevenueCat unknown-customer",
        f"Bearer {WEB_KEY}",
        "Apple nonsense",
    ],
)
async def test_invalid_purchase_token_is_rejected(
    client: ApiClient, path: str, token: str | None
) -> None:
    response = await client.post(path, {"attributes": WORKOUT}, token)
    assert_problem(response, 401)
    challenge = 'Bearer realm="LiftLog"'
    if token is not None:
        challenge += ', error="invalid_token"'
    assert response.headers["www-authenticate"] == challenge
    assert "wrong-key" not in response.text


async def test_missing_token_is_rejected_before_the_body(client: ApiClient) -> None:
    for content in (b"nonsense", b" " * 1_000_000, b""):
        response = await client.send("POST", "/v2/ai/workout", content=content)
        assert_problem(response, 401)


async def test_token_in_url_is_ignored(client: ApiClient) -> None:
    path = f"/v2/ai/session?access_token=Web%20{WEB_KEY}"
    assert (await client.post(path, {"attributes": SESSION})).status_code == 401


INVALID_WORKOUTS: dict[str, dict[str, Any]] = {
    "gender": {"gender": "female"},
    "weight range": {"weightRange": "heavy"},
    "too young": {"age": 11},
    "too old": {"age": 150},
    "age as text": {"age": "33"},
    "fraction of a year": {"age": 33.5},
    "no days": {"daysPerWeek": 0},
    "too many days": {"daysPerWeek": 8},
    "a boolean as a number": {"daysPerWeek": True},
    "no goals": {"goals": []},
    "too many goals": {"goals": ["goal"] * 10},
    "short goal": {"goals": ["be"]},
    "long goal": {"goals": ["x" * 31]},
    "experience": {"experience": "Expert"},
    "units as text": {"useImperialUnits": "yes"},
    "units as a number": {"useImperialUnits": 1},
    "long info": {"additionalInfo": "x" * 201},
    "missing": {"experience": None},
}
VALID_WORKOUTS: dict[str, dict[str, Any]] = {
    "youngest, least": {"age": 12, "daysPerWeek": 1, "goals": ["fit"]},
    "oldest, most": {"age": 149, "daysPerWeek": 7, "goals": ["x" * 30] * 9},
    "text around the weights": {"weightRange": "about 60-70 kg"},
    "three digits": {"weightRange": "100-120"},
    "no info": {"additionalInfo": None},
    "long info": {"additionalInfo": "ü" * 200},
    "others": {"gender": "PreferNotToSay", "experience": "Professional"},
}
INVALID_SESSIONS: dict[str, dict[str, Any]] = {
    "no areas": {"areasToWorkout": []},
    "too many areas": {"areasToWorkout": ["legs"] * 10},
    "short area": {"areasToWorkout": ["ab"]},
    "long area": {"areasToWorkout": ["x" * 16]},
    "too little volume": {"volume": -1},
    "too much volume": {"volume": 101},
    "too many exercises": {"exerciseToKilograms": {f"e{n}": 1 for n in range(101)}},
    "long exercise": {"exerciseToKilograms": {"x" * 50: 1}},
    "weight as text": {"exerciseToKilograms": {"Row": "40"}},
    "exercises in a list": {"exerciseToKilograms": ["Row"]},
}
VALID_SESSIONS: dict[str, dict[str, Any]] = {
    "least": {"areasToWorkout": ["abs"], "volume": 0, "exerciseToKilograms": {}},
    "most": {
        "areasToWorkout": ["x" * 15] * 9,
        "volume": 100,
        "exerciseToKilograms": {f"{n:0>49}": 100 + n / 2 for n in range(100)},
        "additionalInfo": "x" * 200,
    },
    "half a percent": {"volume": 33.5},
}


@pytest.mark.parametrize("changes", INVALID_WORKOUTS.values(), ids=INVALID_WORKOUTS)
async def test_plan_request_outside_limits_is_rejected(
    client: ApiClient, changes: dict[str, Any]
) -> None:
    response = await client.post("/v2/ai/workout", {"attributes": {**WORKOUT, **changes}}, WEB)
    [mistake] = assert_problem(response, 400)["errors"]
    assert mistake["field"].startswith(f"attributes.{next(iter(changes))}")


@pytest.mark.parametrize("changes", INVALID_SESSIONS.values(), ids=INVALID_SESSIONS)
async def test_session_request_outside_limits_is_rejected(
    client: ApiClient, changes: dict[str, Any]
) -> None:
    response = await client.post("/v2/ai/session", {"attributes": {**SESSION, **changes}}, WEB)
    [mistake] = assert_problem(response, 400)["errors"]
    assert re.fullmatch(rf"attributes\.{next(iter(changes))}(\.\d+)?", mistake["field"])


@pytest.mark.parametrize("changes", VALID_WORKOUTS.values(), ids=VALID_WORKOUTS)
async def test_plan_request_at_limits_is_accepted(
    client: ApiClient, token: str, changes: dict[str, Any]
) -> None:
    response = await client.post("/v2/ai/workout", {"attributes": {**WORKOUT, **changes}}, token)
    assert response.status_code == 200, response.text


@pytest.mark.parametrize("changes", VALID_SESSIONS.values(), ids=VALID_SESSIONS)
async def test_session_request_at_limits_is_accepted(
    client: ApiClient, token: str, changes: dict[str, Any]
) -> None:
    response = await client.post("/v2/ai/session", {"attributes": {**SESSION, **changes}}, token)
    assert response.status_code == 200, response.text


async def test_validation_error_does_not_repeat_input(client: ApiClient) -> None:
    wrong = {**SESSION, "exerciseToKilograms": {"SECRET" * 9: "SECRET"}, "volume": "SECRET"}
    response = await client.post("/v2/ai/session", {"attributes": wrong}, WEB)
    assert len(assert_problem(response, 400)["errors"]) == 2
    assert "SECRET" not in response.text
