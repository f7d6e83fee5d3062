"""The exercises of the fake language model."""

from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

_LIGHT_REST = ("00:01:00", "00:01:30", "00:03:00")
_HEAVY_REST = ("00:02:00", "00:03:00", "00:05:00")


@dataclass(frozen=True)
class Exercise:
    """An exercise and the areas of the body that it trains."""

    name: str
    areas: str
    sets: int = 3
    reps: int = 10
    step_kg: float = 2.5
    rests: tuple[str, str, str] = _LIGHT_REST

    def as_json(self, *, imperial: bool) -> dict[str, Any]:
        """Return the exercise in the form of the AI routes."""
        shortest, longest, after_failure = self.rests
        return {
            "name": self.name,
            "sets": self.sets,
            "repsPerSet": self.reps,
            # Plates in pounds come in other steps: 5 lb for 2.5 kg.
            "weightIncreaseOnSuccess": self.step_kg * (2 if imperial else 1),
            "restBetweenSets": {
                "minRest": shortest,
                "maxRest": longest,
                "failureRest": after_failure,
            },
            "supersetWithNext": False,
            "notes": "",
            "link": "",
        }

    def as_blueprint(self, *, imperial: bool, superset: bool) -> dict[str, Any]:
        """Return the exercise in plan version 3. Bodyweight exercises add repetitions."""
        climbs = {**_rule("reps", "1"), "ceiling": str(self.reps + 4), "onCeiling": "reset"}
        heavier = _rule("load", f"{(self.step_kg or 2.5) * (2 if imperial else 1):g}")
        shortest, longest, after_failure = (_iso(rest) for rest in self.rests)
        return {
            "type": "WeightedExerciseBlueprint",
            "name": self.name,
            "plannedSets": [{"reps": {"min": self.reps, "max": self.reps}}] * self.sets,
            "restBetweenSets": {
                "minRest": shortest,
                "maxRest": longest,
                "failureRest": after_failure,
            },
            "supersetWithNext": superset,
            "notes": "",
            "link": "",
            "progression": [heavier] if self.step_kg else [climbs, heavier],
            "resistance": "external" if self.step_kg else "bodyweight",
        }


def _rule(axis: str, step: str) -> dict[str, Any]:
    # A strict schema requires each field, so a rule without a ceiling has nulls.
    no_ceiling = {"ceiling": None, "onCeiling": None}
    scope = {"type": "allSets"} if axis == "load" else {"type": "lowestSets", "pick": "first"}
    return {"axis": axis, "step": step, "scope": scope, **no_ceiling, "trigger": "allSetsMetTarget"}


def _iso(rest: str) -> str:
    _hours, minutes, seconds = (int(part) for part in rest.split(":"))
    return f"PT{minutes}M" + (f"{seconds}S" if seconds else "")


def _cardio_set(target: dict[str, Any], rest: dict[str, Any] | None) -> dict[str, Any]:
    tracked = ("Duration", "Distance", "Resistance", "Incline", "Weight", "Steps")
    return {
        "target": target,
        **{f"track{name}": name in ("Duration", "Distance") for name in tracked},
        "restBetweenSets": rest,
    }


COOL_DOWN = {
    "type": "CardioExerciseBlueprint",
    "name": "Rowing Machine",
    "sets": [
        _cardio_set(
            {"type": "distance", "value": {"value": "0.5", "unit": "kilometre"}},
            {"minRest": "PT30S", "maxRest": "PT1M", "failureRest": "PT1M"},
        ),
        _cardio_set({"type": "time", "value": "PT5M"}, None),
    ],
    "notes": "",
    "link": "",
}


def _heavy(name: str, areas: str) -> Exercise:
    return Exercise(name, areas, sets=4, reps=6, step_kg=5, rests=_HEAVY_REST)


_PUSH = [
    _heavy("Bench Press", "chest triceps push upper"),
    Exercise("Overhead Press", "shoulders triceps push upper"),
    Exercise("Incline Dumbbell Press", "chest shoulders push upper"),
    Exercise("Lateral Raise", "shoulders push upper", reps=15, step_kg=1),
    Exercise("Triceps Pushdown", "arms triceps push upper", reps=12),
]
_PULL = [
    _heavy("Barbell Row", "back pull upper"),
    Exercise("Pull Up", "back biceps pull upper", reps=8, step_kg=0),
    Exercise("Lat Pulldown", "back pull upper"),
    Exercise("Face Pull", "shoulders back pull upper", reps=15),
    Exercise("Biceps Curl", "arms biceps pull upper", reps=12),
]
_LEGS = [
    _heavy("Squat", "legs quads glutes lower"),
    _heavy("Romanian Deadlift", "legs hamstrings glutes back lower"),
    Exercise("Leg Press", "legs quads lower", step_kg=5),
    Exercise("Leg Curl", "legs hamstrings lower"),
    Exercise("Calf Raise", "legs calves lower", reps=15),
]
_ALL = [exercise for trio in zip(_PUSH, _PULL, _LEGS, strict=True) for exercise in trio]

WORKOUTS = [("Push", _PUSH), ("Pull", _PULL), ("Legs", _LEGS), ("Whole body", _ALL)]


def matching(areas: list[str], known: list[str], count: int) -> list[Exercise]:
    """Return `count` exercises: those for `areas` first, with the names in `known`."""
    words = {word.rstrip("s") for area in areas for word in area.split()}
    fitting = [e for e in _ALL if words & {word.rstrip("s") for word in e.areas.split()}]
    others = [e for e in _ALL if e not in fitting]
    by_name = {name.lower(): name for name in known}
    return [
        replace(e, name=by_name.get(e.name.lower(), e.name))
        for e in islice([*fitting, *others], count)
    ]
