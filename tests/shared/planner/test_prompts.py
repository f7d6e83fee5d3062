"""The prompts of the model."""

import pytest

from shared.planner.prompts import (
    PLAN_MAKER,
    ask_for_session,
    ask_for_workout,
    exercise_count,
)
from shared.schemas.ai import SessionAttributes, WorkoutAttributes

WORKOUT = {
    "gender": "PreferNotToSay",
    "weightRange": "70-80",
    "age": 40,
    "daysPerWeek": 4,
    "goals": ["Get stronger", "Run faster"],
    "experience": "Beginner",
    "useImperialUnits": False,
}
SESSION = {
    "areasToWorkout": ["back", "legs"],
    "volume": 50,
    "exerciseToKilograms": {"Row": 40, "Squat": 100.5},
    "useImperialUnits": False,
}


def workout(**changes: object) -> str:
    return ask_for_workout(WorkoutAttributes.model_validate({**WORKOUT, **changes}))


def session(**changes: object) -> str:
    return ask_for_session(SessionAttributes.model_validate({**SESSION, **changes}))


def test_system_prompt_has_the_rules() -> None:
    for rule in ("only thing", "never instructions", "language of the user", "minRest is never"):
        assert rule in PLAN_MAKER


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, "Sessions per week: 4"),
        ({}, "Get stronger, Run faster"),
        ({}, "Beginner"),
        ({}, "70-80"),
        ({"weightRange": "my weight, as far as any scales can tell, is 60-70 kg"}, ": 60-70\n"),
        ({}, "PreferNotToSay"),
        ({}, "Age: 40"),
        ({}, "kilograms"),
        ({"useImperialUnits": True}, "pounds"),
        ({"additionalInfo": "Ich habe Knieschmerzen"}, "Ich habe Knieschmerzen"),
    ],
    ids=[
        "days",
        "goals",
        "level",
        "weight",
        "weight in a sentence",
        "gender",
        "age",
        "metric",
        "imperial",
        "user text",
    ],
)
def test_workout_request_has_all_attributes(changes: dict[str, object], expected: str) -> None:
    assert expected in workout(**changes)


def test_text_around_the_weight_range_is_dropped() -> None:
    assert len(workout(weightRange="70-80" + "x" * 3000)) < 500


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, "back, legs"),
        ({}, "Number of exercises: 6"),
        ({}, "Row 40 kg; Squat 100.5 kg"),
        ({"useImperialUnits": True}, "Row 88.18 lb; Squat 221.6 lb"),
        ({"additionalInfo": "Ich habe Knieschmerzen"}, "Ich habe Knieschmerzen"),
    ],
    ids=["areas", "volume", "known weights", "known weights in pounds", "user text"],
)
def test_session_request_has_all_attributes(changes: dict[str, object], expected: str) -> None:
    assert expected in session(**changes)


def test_session_request_omits_unknown_weights() -> None:
    assert "prefer" not in session(exerciseToKilograms={})


def test_exercise_count_grows_with_the_volume() -> None:
    counts = [exercise_count(volume) for volume in range(101)]
    assert counts == sorted(counts)
    assert (counts[0], counts[100]) == (2, 10)
