"""JSON schemas of plans, written from the contract and independent of the code.

Each also exists for an incomplete plan, whose texts and lists may be empty.

Source: contract, headings "AI" and "Chat".
"""

from typing import Any

from jsonschema_rs import Draft202012Validator

_TEXT = {"type": "string"}
_WHOLE_NUMBER = {"type": "integer", "minimum": 0}
_YES_OR_NO = {"type": "boolean"}
_DECIMAL = {"type": "string", "pattern": r"^\d+(\.\d+)?$"}
_DURATION = {"type": "string", "pattern": r"^PT(?=\d)(\d+H)?(\d+M)?(\d+S)?$"}
_CLOCK = {"type": "string", "pattern": r"^\d\d:[0-5]\d:[0-5]\d$"}
_DATE = {"type": "string", "pattern": r"^\d{4}-[01]\d-[0-3]\d$"}


def _object(optional: dict[str, Any] | None = None, /, **required: Any) -> dict[str, Any]:
    """Describe an object with these properties and no others."""
    return {
        "type": "object",
        "properties": {**required, **(optional or {})},
        "required": list(required),
        "additionalProperties": False,
    }


def _one_of(*texts: str) -> dict[str, Any]:
    return {"enum": list(texts)}


def _some(items: dict[str, Any], *, at_least: int = 0) -> dict[str, Any]:
    return {"type": "array", "items": items, "minItems": at_least}


_REST = _object(minRest=_DURATION, maxRest=_DURATION, failureRest=_DURATION)
_SCOPE = {
    "oneOf": [
        _object(type={"const": "allSets"}),
        _object(type={"const": "lowestSets"}, pick=_one_of("first", "middle", "last", "all")),
    ]
}
_RULE = _object(
    {"ceiling": _DECIMAL, "onCeiling": {"const": "reset"}},
    axis=_one_of("reps", "load"),
    step=_DECIMAL,
    scope=_SCOPE,
    trigger={"const": "allSetsMetTarget"},
)
_WEIGHTED = _object(
    type={"const": "WeightedExerciseBlueprint"},
    name=_TEXT,
    plannedSets=_some(
        _object(reps=_object(min=_WHOLE_NUMBER, max=_WHOLE_NUMBER)),
        at_least=1,
    ),
    restBetweenSets=_REST,
    supersetWithNext=_YES_OR_NO,
    notes=_TEXT,
    link=_TEXT,
    progression=_some(_RULE),
    resistance=_one_of("none", "external", "bodyweight"),
)
_DISTANCE = _object(value=_DECIMAL, unit=_one_of("metre", "yard", "mile", "kilometre"))
_TARGET = {
    "oneOf": [
        _object(type={"const": "time"}, value=_DURATION),
        _object(type={"const": "distance"}, value=_DISTANCE),
    ]
}
_CARDIO_SET = _object(
    {"restBetweenSets": _REST},
    target=_TARGET,
    trackDuration=_YES_OR_NO,
    trackDistance=_YES_OR_NO,
    trackResistance=_YES_OR_NO,
    trackIncline=_YES_OR_NO,
    trackWeight=_YES_OR_NO,
    trackSteps=_YES_OR_NO,
)
_CARDIO = _object(
    type={"const": "CardioExerciseBlueprint"},
    name=_TEXT,
    sets=_some(_CARDIO_SET, at_least=1),
    notes=_TEXT,
    link=_TEXT,
)
_CLOCK_REST = _object(minRest=_CLOCK, maxRest=_CLOCK, failureRest=_CLOCK)
_EXERCISE_2025 = _object(
    name=_TEXT,
    sets=_WHOLE_NUMBER,
    repsPerSet=_WHOLE_NUMBER,
    weightIncreaseOnSuccess={"type": "number", "minimum": 0},
    restBetweenSets=_CLOCK_REST,
    supersetWithNext=_YES_OR_NO,
    notes=_TEXT,
    link=_TEXT,
)


def _message_2026(at_least: int) -> dict[str, Any]:
    session = _object(
        version={"const": 6},
        name=_TEXT,
        exercises=_some({"oneOf": [_WEIGHTED, _CARDIO]}, at_least=at_least),
        notes=_TEXT,
    )
    blueprint = _object(
        version={"const": 3},
        name=_TEXT,
        sessions=_some(session, at_least=at_least),
        lastEdited=_DATE,
    )
    return _object(
        type={"const": "chatPlan"},
        name=_TEXT,
        description=_TEXT,
        blueprint=blueprint,
        version={"const": 3},
    )


def _message_2025(at_least: int) -> dict[str, Any]:
    exercises = _some(_EXERCISE_2025, at_least=at_least)
    session = _object(name=_TEXT, exercises=exercises, notes=_TEXT)
    plan = _object(name=_TEXT, description=_TEXT, sessions=_some(session, at_least=at_least))
    return _object(type={"const": "chatPlan"}, plan=plan)


WHOLE_2026 = Draft202012Validator(_message_2026(at_least=1))
"""A message of `/ai-chat-v2` with a complete plan."""

PARTIAL_2026 = Draft202012Validator(_message_2026(at_least=0))
"""A message of `/ai-chat-v2` with an incomplete plan."""

WHOLE_2025 = Draft202012Validator(_message_2025(at_least=1))
"""A message of `/ai-chat` with a complete plan."""

PARTIAL_2025 = Draft202012Validator(_message_2025(at_least=0))
"""A message of `/ai-chat` with an incomplete plan."""
