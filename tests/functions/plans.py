"""Plans and workouts as today's app sends them: JSON without compression."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

_EXERCISES = (
    "Barbell Back Squat",
    "Romanian Deadlift",
    "Incline Dumbbell Bench Press",
    "Seated Cable Row",
    "Overhead Press",
    "Lat Pulldown",
    "Standing Calf Raise",
)


def plan(sessions: int, sets: int) -> bytes:
    """Return a plan with seven exercises per session."""
    content = {
        "version": 3,
        "name": "Upper and lower body",
        "sessions": [
            {
                "version": 6,
                "name": f"Session {number}",
                "exercises": [_exercise(name, sets) for name in _EXERCISES],
                "notes": "",
            }
            for number in range(sessions)
        ],
        "lastEdited": "2026-09-15",
    }
    return json.dumps(content, separators=(",", ":")).encode()


def workout(sets: int) -> bytes:
    """Return a completed session of seven exercises."""
    start = datetime(2026, 9, 15, 18, tzinfo=UTC)
    content = {
        "version": 7,
        "id": "5f0c8a52-7d5e-4a53-9f6e-7a3a0f3b2c11",
        "blueprint": {"version": 6, "name": "Lower body", "exercises": [], "notes": ""},
        "recordedExercises": [
            {
                "type": "RecordedWeightedExercise",
                "blueprint": _exercise(name, sets),
                "potentialSets": [
                    {
                        "set": {
                            "repsCompleted": 8,
                            "completionDateTime": (start + timedelta(minutes=3 * n)).isoformat(),
                        },
                        "weight": {"value": "82.5", "unit": "kilograms"},
                    }
                    for n in range(sets)
                ],
                "notes": "",
            }
            for name in _EXERCISES
        ],
        "date": "2026-09-15",
    }
    return json.dumps(content, separators=(",", ":")).encode()


def _exercise(name: str, sets: int) -> dict[str, Any]:
    return {
        "type": "WeightedExerciseBlueprint",
        "name": name,
        "plannedSets": [{"reps": {"min": 8, "max": 10}}] * sets,
        "restBetweenSets": {"minRest": "PT1M30S", "maxRest": "PT3M", "failureRest": "PT5M"},
        "supersetWithNext": False,
        "notes": "2 warm-ups.",
        "link": "",
        "progression": [
            {
                "axis": "load",
                "step": "2.5",
                "scope": {"type": "allSets"},
                "trigger": "allSetsMetTarget",
            }
        ],
        "resistance": "external",
    }
