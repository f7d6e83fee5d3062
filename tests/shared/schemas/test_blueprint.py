"""Plan version 3: limits, rules and JSON."""

import json
from datetime import date
from typing import Any

import pytest
from pydantic import ValidationError
from pydantic_core import to_json

from shared.schemas.blueprint import Program
from shared.schemas.chat import ChatPlanV2
from tests.functions.chat.plan_version_3 import WHOLE_2026

REST = {"minRest": "PT1M30S", "maxRest": "PT3M", "failureRest": "PT5M"}
RULE: dict[str, Any] = {
    "axis": "reps",
    "step": "1",
    "scope": {"type": "lowestSets", "pick": "first"},
    "ceiling": "12",
    "onCeiling": "reset",
    "trigger": "allSetsMetTarget",
}
LOAD = {**RULE, "axis": "load", "scope": {"type": "allSets"}, "ceiling": None, "onCeiling": None}
WEIGHTED: dict[str, Any] = {
    "type": "WeightedExerciseBlueprint",
    "name": "Bench Press",
    "plannedSets": [{"reps": {"min": 8, "max": 12}}, {"reps": {"min": 8, "max": 8}}],
    "restBetweenSets": REST,
    "supersetWithNext": True,
    "notes": "",
    "link": "",
    "progression": [RULE, LOAD],
    "resistance": "external",
}
CARDIO_SET: dict[str, Any] = {
    "target": {"type": "distance", "value": {"value": "0.5", "unit": "kilometre"}},
    "trackDuration": True,
    "trackDistance": True,
    "trackResistance": False,
    "trackIncline": False,
    "trackWeight": False,
    "trackSteps": False,
    "restBetweenSets": None,
}
CARDIO: dict[str, Any] = {
    "type": "CardioExerciseBlueprint",
    "name": "Rowing",
    "sets": [CARDIO_SET, {**CARDIO_SET, "target": {"type": "time", "value": "PT5M"}}],
    "notes": "",
    "link": "",
}
SESSION: dict[str, Any] = {"name": "Push", "exercises": [WEIGHTED, CARDIO], "notes": ""}
PROGRAM: dict[str, Any] = {"name": "Strong", "description": "Because.", "sessions": [SESSION]}


def with_exercises(*exercises: dict[str, Any]) -> dict[str, Any]:
    return {**PROGRAM, "sessions": [{**SESSION, "exercises": [*exercises]}]}


def with_weights(**changes: Any) -> dict[str, Any]:
    return with_exercises({**WEIGHTED, **changes})


def with_cardio(**changes: Any) -> dict[str, Any]:
    return with_exercises({**CARDIO, "sets": [{**CARDIO_SET, **changes}]})


def with_rule(rule: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return with_weights(progression=[{**rule, **changes}])


def with_rests(**changes: Any) -> dict[str, Any]:
    return with_weights(restBetweenSets={**REST, **changes})


def with_duration(duration: Any) -> dict[str, Any]:
    return with_cardio(target={"type": "time", "value": duration})


def to_message(content: dict[str, Any], today: date = date(2026, 1, 9)) -> Any:
    """Return the message to a client for a program of the model."""
    program = Program.model_validate_json(json.dumps(content))
    message = json.loads(to_json(ChatPlanV2.of_program(program, today)))
    WHOLE_2026.validate(message)
    return message


VALID = {
    "every kind of exercise": PROGRAM,
    "a year of sessions": {**PROGRAM, "sessions": [SESSION] * 364},
    "sixty exercises": with_exercises(*[WEIGHTED] * 60),
    "twenty sets": with_weights(plannedSets=[{"reps": {"min": 1, "max": 100}}] * 20),
    "a fixed number": with_weights(plannedSets=[{"reps": {"min": 5, "max": 5}}]),
    "no progression": with_weights(progression=[]),
    "five rules": with_weights(progression=[RULE] * 4 + [LOAD]),
    "no ceiling": with_rule(RULE, ceiling=None, onCeiling=None),
    "a ceiling without reset": with_rule(RULE, onCeiling=None),
    "equal rests": with_rests(minRest="PT90S", maxRest="PT1M30S", failureRest="PT1M30S"),
    "rests in other units": with_rests(minRest="PT59S", maxRest="PT1M", failureRest="PT1H"),
    "a long name": with_weights(name="x" * 100),
    "a link": with_weights(link="https://" + "x" * 492),
    "a link without encryption": with_weights(link="http://example.org/squat?a=1"),
    "empty description": {**PROGRAM, "description": ""},
    **{f"for {each}": with_duration(each) for each in ("PT1M30S", "PT90S", "PT1H", "PT1H2M3S")},
    **{f"for {each}": with_duration(each) for each in ("PT1H30S", "PT1H5M")},
    **{f"step {each}": with_rule(LOAD, step=each) for each in ("2.5", "1", "0.0001", "999999")},
    **{f"pick {each}": with_rule(RULE, scope={"type": "lowestSets", "pick": each})
       for each in ("first", "middle", "last", "all")},
    **{f"resistance {each}": with_weights(resistance=each)
       for each in ("none", "external", "bodyweight")},
    **{f"distance in {each}s": with_cardio(
        target={"type": "distance", "value": {"value": "1", "unit": each}})
       for each in ("metre", "yard", "mile", "kilometre")},
}  # fmt: skip

INVALID = {
    "no sessions": {**PROGRAM, "sessions": []},
    "more than a year of sessions": {**PROGRAM, "sessions": [SESSION] * 365},
    "no exercises": with_exercises(),
    "sixty-one exercises": with_exercises(*[WEIGHTED] * 61),
    "no sets": with_weights(plannedSets=[]),
    "twenty-one sets": with_weights(plannedSets=[{"reps": {"min": 5, "max": 5}}] * 21),
    "no rounds": with_exercises({**CARDIO, "sets": []}),
    "a range from large to small": with_weights(plannedSets=[{"reps": {"min": 12, "max": 8}}]),
    "no repetitions": with_weights(plannedSets=[{"reps": {"min": 0, "max": 8}}]),
    "too many repetitions": with_weights(plannedSets=[{"reps": {"min": 8, "max": 101}}]),
    "half a repetition": with_weights(plannedSets=[{"reps": {"min": 1.5, "max": 2}}]),
    "decreasing rests": with_rests(minRest="PT4M"),
    "decreasing rest after failure": with_rests(failureRest="PT2M59S"),
    "decreasing rests in other units": with_rests(minRest="PT181S"),
    "six rules": with_weights(progression=[RULE] * 6),
    "a load with a ceiling": with_rule(LOAD, ceiling="100"),
    "a load with a reset": with_rule(LOAD, onCeiling="reset"),
    "an unknown action at the ceiling": with_rule(RULE, onCeiling="stop"),
    "another axis": with_rule(RULE, axis="time"),
    "another trigger": with_rule(RULE, trigger="always"),
    "another scope": with_rule(RULE, scope={"type": "firstSet"}),
    "no pick": with_rule(RULE, scope={"type": "lowestSets"}),
    "another resistance": with_weights(resistance="machine"),
    "no resistance": with_weights(resistance=None),
    "another kind of exercise": with_weights(type="StretchBlueprint"),
    "no kind of exercise": with_weights(type=None),
    "another unit": with_cardio(
        target={"type": "distance", "value": {"value": "1", "unit": "foot"}}),
    "another target": with_cardio(target={"type": "calories", "value": "100"}),
    "no name": with_weights(name=""),
    "a link that is not a URL": with_weights(link="javascript:alert(1)"),
    "a link of another kind": with_weights(link="ftp://example.org/squat"),
    "no step": with_rule(LOAD, step="0.00"),
    "no time": with_duration("PT0S"),
    "a name of 101 characters": with_weights(name="x" * 101),
    "a session without a name": {**PROGRAM, "sessions": [{**SESSION, "name": ""}]},
    "long notes": with_weights(notes="x" * 1001),
    "a long link": with_weights(link="https://" + "x" * 493),
    "a long description": {**PROGRAM, "description": "x" * 3001},
    "no value for the superset": with_weights(supersetWithNext=None),
    **{f"for {each!r}": with_duration(each)
       for each in ("PT", "P1D", "90", 90, "PT1.5M", "pt90s", "PT90", "PT1M30S\n", "-PT1M", "",
                    "PT30S1M", "P0DT1M", "P30S", "00:01:30", None, "PT99999S", "PT\u0661S")},
    **{f"step {each!r}": with_rule(LOAD, step=each)
       for each in (2.5, 1, "2,5", "", "-1", "+1", ".5", "5.", "1e3", "NaN", "1234567", "1\n",
                    "1.00001", "\u0661", None)},
}  # fmt: skip


@pytest.mark.parametrize("content", VALID.values(), ids=VALID)
def test_valid_program_is_sent_as_in_contract(content: dict[str, Any]) -> None:
    assert len(to_message(content)["blueprint"]["sessions"]) == len(content["sessions"])


@pytest.mark.parametrize("content", INVALID.values(), ids=INVALID)
def test_invalid_program_is_rejected(content: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Program.model_validate_json(json.dumps(content))


def test_plan_contains_versions_and_last_edited_day() -> None:
    message = to_message(PROGRAM, date(2026, 1, 9))
    assert (message["type"], message["name"]) == ("chatPlan", "Strong")
    assert (message["description"], message["version"]) == ("Because.", 3)
    program = message["blueprint"]
    assert (program["version"], program["name"]) == (3, "Strong")
    assert program["lastEdited"] == "2026-01-09"
    assert [session["version"] for session in program["sessions"]] == [6]


def test_exercise_is_sent_unchanged() -> None:
    [session] = to_message(PROGRAM)["blueprint"]["sessions"]
    weighted_exercise, cardio_exercise = session["exercises"]
    assert weighted_exercise == {**WEIGHTED, "progression": [RULE, without_nulls(LOAD)]}
    assert cardio_exercise == {**CARDIO, "sets": [without_nulls(each) for each in CARDIO["sets"]]}


def test_omitted_fields_are_never_null() -> None:
    text = json.dumps(to_message(with_exercises({**WEIGHTED, "progression": [LOAD]}, CARDIO)))
    assert "null" not in text
    assert "ceiling" not in text.lower()
    assert text.count("restBetweenSets") == 1


def test_decimals_are_sent_as_text() -> None:
    text = to_json(to_message(PROGRAM)).decode()
    assert '"step":"1"' in text
    assert '"value":"0.5"' in text
    assert '"reps":{"min":8,"max":12}' in text


def without_nulls(content: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in content.items() if value is not None}
