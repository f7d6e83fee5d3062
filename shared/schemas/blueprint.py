"""Plan version 3: programs with weighted and cardio exercises, supersets and progression.

The schema of a program is also the output schema of the language model, which reads the
descriptions. A strict output schema requires every field, so optional fields are null.

Source: contract, heading "Chat".
"""

import re
from typing import Annotated, Final, Literal

from pydantic import (
    Field,
    StringConstraints,
    model_validator,
)
from pydantic_core import PydanticCustomError

from shared.schemas.ai import MAX_EXERCISES, MAX_SESSIONS
from shared.schemas.wire import Response, ResponseWithoutNulls

PLAN_VERSION: Final = 3

# At most three digits for hours and minutes: longer durations are errors of the model.
_HOURS, _MINUTES, _SECS = "[0-9]{1,3}H", "[0-9]{1,3}M", "[0-9]{1,4}S"
_DURATION = f"^PT({_HOURS}({_MINUTES})?({_SECS})?|{_MINUTES}({_SECS})?|{_SECS})$"
_SECONDS = {"H": 3600, "M": 60, "S": 1}

Name = Annotated[str, Field(min_length=1, max_length=100)]
Notes = Annotated[str, Field(max_length=1000, description="May be empty.")]
Link = Annotated[
    str,
    Field(
        max_length=500,
        pattern=r"^(https?://\S+)?$",
        description="My own link for this exercise, unchanged; otherwise empty.",
    ),
]

Duration = Annotated[
    str,
    Field(pattern=_DURATION, description="An ISO 8601 duration, for example PT1M30S."),
]
Decimal = Annotated[
    str,
    StringConstraints(pattern=r"^[0-9]{1,6}(\.[0-9]{1,4})?$"),
    Field(description='A decimal number as text, for example "2.5".'),
]


class Range(Response):
    """The number of repetitions; `min` equals `max` for a fixed number."""

    min: Annotated[int, Field(ge=1, le=100)]
    max: Annotated[int, Field(ge=1, le=100)]

    @model_validator(mode="after")
    def _is_a_range(self) -> "Range":
        if self.min > self.max:
            raise PydanticCustomError("range", "min must not be above max")
        return self


class PlannedSet(Response):
    """One set."""

    reps: Range


class Rest(Response):
    """The rest between two sets."""

    min_rest: Annotated[Duration, Field(description="After an easy set, for example PT1M30S.")]
    max_rest: Annotated[Duration, Field(description="After a hard set; not below minRest.")]
    failure_rest: Annotated[Duration, Field(description="After a failed set; not below maxRest.")]

    @model_validator(mode="after")
    def _grows(self) -> "Rest":
        if not _seconds(self.min_rest) <= _seconds(self.max_rest) <= _seconds(self.failure_rest):
            raise PydanticCustomError("rest", "must grow from minRest over maxRest to failureRest")
        return self


def _seconds(duration: str) -> int:
    parts = re.findall(r"([0-9]+)([HMS])", duration)
    return sum(int(number) * _SECONDS[unit] for number, unit in parts)


class AllSets(Response):
    """The rule applies to all sets."""

    type: Literal["allSets"]


class LowestSets(Response):
    """The rule applies only to the lowest sets."""

    type: Literal["lowestSets"]
    pick: Annotated[
        Literal["first", "middle", "last", "all"],
        Field(description="Which of them, if several are equally low."),
    ]


class ProgressionRule(ResponseWithoutNulls):
    """The increase after a session in which all sets were completed."""

    axis: Annotated[
        Literal["reps", "load"], Field(description="Repetitions, or weight in the user's unit.")
    ]
    step: Annotated[Decimal, Field(description='The amount to add, as text: "2.5".')]
    scope: Annotated[AllSets | LowestSets, Field(discriminator="type")]
    ceiling: Annotated[
        Decimal | None,
        Field(description="Only for reps: where this rule ends and the next begins; else null."),
    ]
    on_ceiling: Annotated[
        Literal["reset"] | None,
        Field(description="Only for reps: return to the plan's once a later rule acts; or null."),
    ]
    trigger: Literal["allSetsMetTarget"]

    @model_validator(mode="after")
    def _moves(self) -> "ProgressionRule":
        if float(self.step) == 0:
            raise PydanticCustomError("step", "step must be above 0")
        if self.axis == "load" and (self.ceiling is not None or self.on_ceiling is not None):
            raise PydanticCustomError("ceiling", "a rule for load has no ceiling")
        return self


class WeightedExercise(Response):
    """An exercise of sets and repetitions."""

    type: Literal["WeightedExerciseBlueprint"]
    name: Annotated[Name, Field(description="Its usual name, or exactly the one that I use.")]
    planned_sets: Annotated[
        list[PlannedSet], Field(min_length=1, max_length=20, description="One entry for each set.")
    ]
    rest_between_sets: Rest
    superset_with_next: Annotated[
        bool, Field(description="Whether its sets alternate with the next exercise's.")
    ]
    notes: Notes
    link: Link
    progression: Annotated[
        list[ProgressionRule],
        Field(max_length=5, description="The first that has room acts; one for load comes last."),
    ]
    resistance: Annotated[
        Literal["none", "external", "bodyweight"],
        Field(description="external: a weight; bodyweight: one may be added; none: no weight."),
    ]


class TimeTarget(Response):
    """A set with a fixed duration."""

    type: Literal["time"]
    value: Duration

    @model_validator(mode="after")
    def _lasts(self) -> "TimeTarget":
        if _seconds(self.value) == 0:
            raise PydanticCustomError("target", "a time must be above 0")
        return self


class Distance(Response):
    """A length with its unit."""

    value: Decimal
    unit: Literal["metre", "yard", "mile", "kilometre"]


class DistanceTarget(Response):
    """A set with a fixed distance."""

    type: Literal["distance"]
    value: Distance


class CardioSet(ResponseWithoutNulls):
    """One round, and the values to record for it."""

    target: Annotated[TimeTarget | DistanceTarget, Field(discriminator="type")]
    track_duration: bool
    track_distance: bool
    track_resistance: bool
    track_incline: bool
    track_weight: bool
    track_steps: bool
    rest_between_sets: Annotated[
        Rest | None, Field(description="null where there is nothing to rest between.")
    ]


class CardioExercise(Response):
    """An exercise by time or distance."""

    type: Literal["CardioExerciseBlueprint"]
    name: Name
    sets: Annotated[list[CardioSet], Field(min_length=1, max_length=20)]
    notes: Notes
    link: Link


Exercise = Annotated[WeightedExercise | CardioExercise, Field(discriminator="type")]


class Session(Response):
    """One visit to the gym."""

    name: Name
    exercises: Annotated[list[Exercise], Field(min_length=1, max_length=MAX_EXERCISES)]
    notes: Notes


class Program(Response):
    """The sessions of a program in their order, as the model generates them."""

    name: Name
    description: Annotated[
        str, Field(max_length=3000, description="Why this plan suits me, in a few sentences.")
    ]
    sessions: Annotated[list[Session], Field(min_length=1, max_length=MAX_SESSIONS)]
