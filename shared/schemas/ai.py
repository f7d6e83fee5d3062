"""Requests for workout plans, and the plans.

The schema of a plan is also the output schema of the language model, which reads the descriptions.

Source: contract, heading "AI".
"""

from typing import Annotated, Any, Literal

from pydantic import (
    Field,
    StrictBool,
    StringConstraints,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from shared.schemas.wire import Request, Response

MAX_SESSIONS = 364
"""The number of sessions of a plan in the chat: 7 in each of 52 weeks."""

MAX_EXERCISES = 60
"""The number of exercises of a session in the chat."""

WEIGHT_RANGE = r"[0-9]{1,3}-[0-9]{1,3}"
"""Matched anywhere in the text, which may contain more."""

Goal = Annotated[str, StringConstraints(min_length=3, max_length=30)]
Area = Annotated[str, StringConstraints(min_length=3, max_length=15)]
AdditionalInfo = Annotated[str | None, StringConstraints(max_length=200)]


def _without_keys(value: Any, read: ValidatorFunctionWrapHandler) -> dict[str, float]:  # noqa: ANN401
    """Replace errors whose location contains a key, because the client chooses the keys."""
    try:
        weights: dict[str, float] = read(value)
    except ValidationError:
        raise PydanticCustomError(
            "exercise_weights", "must map at most 100 names of under 50 characters to numbers"
        ) from None
    return weights


ExerciseWeights = Annotated[
    dict[
        Annotated[str, StringConstraints(max_length=49)],
        Annotated[float, Field(strict=True, allow_inf_nan=False)],
    ],
    Field(max_length=100),
    WrapValidator(_without_keys),
]


class WorkoutAttributes(Request):
    gender: Literal["Male", "Female", "Other", "PreferNotToSay"]
    weight_range: Annotated[str, StringConstraints(pattern=WEIGHT_RANGE)]
    age: Annotated[int, Field(strict=True, ge=12, le=149)]
    days_per_week: Annotated[int, Field(strict=True, ge=1, le=7)]
    goals: Annotated[list[Goal], Field(min_length=1, max_length=9)]
    experience: Literal["Beginner", "Intermediate", "Advanced", "Professional"]
    use_imperial_units: StrictBool
    additional_info: AdditionalInfo = None


class WorkoutRequest(Request):
    attributes: WorkoutAttributes


class SessionAttributes(Request):
    areas_to_workout: Annotated[list[Area], Field(min_length=1, max_length=9)]
    volume: Annotated[float, Field(strict=True, ge=0, le=100)]
    exercise_to_kilograms: ExerciseWeights
    use_imperial_units: StrictBool
    additional_info: AdditionalInfo = None


class SessionRequest(Request):
    attributes: SessionAttributes


Duration = Annotated[
    str,
    StringConstraints(pattern=r"^[0-9]{2}:[0-5][0-9]:[0-5][0-9]$"),
    Field(description="A duration as hh:mm:ss, for example 00:01:30."),
]


class Rest(Response):
    """The rest between two sets."""

    min_rest: Annotated[Duration, Field(description="After an easy set, as hh:mm:ss.")]
    max_rest: Annotated[Duration, Field(description="After a hard set; not below minRest.")]
    failure_rest: Annotated[Duration, Field(description="After a failed set; not below maxRest.")]

    @model_validator(mode="after")
    def _grows(self) -> "Rest":
        if not self.min_rest <= self.max_rest <= self.failure_rest:
            raise PydanticCustomError("rest", "must grow from minRest over maxRest to failureRest")
        return self


class Exercise(Response):
    """An exercise of a session."""

    name: Annotated[str, Field(min_length=1, max_length=100, description="Its usual name.")]
    sets: Annotated[int, Field(ge=1, le=20)]
    reps_per_set: Annotated[int, Field(ge=1, le=100)]
    weight_increase_on_success: Annotated[
        float,
        Field(
            ge=0,
            le=100,
            allow_inf_nan=False,
            description="The weight to add once all sets were completed, in the user's unit; "
            "0 for an exercise with the body's weight.",
        ),
    ]
    rest_between_sets: Rest
    superset_with_next: Annotated[
        bool, Field(description="Whether its sets alternate with the next exercise's.")
    ]
    notes: Annotated[str, Field(max_length=1000, description="Form cues; may be empty.")]
    link: Annotated[
        str,
        Field(
            max_length=500,
            pattern=r"^(https?://\S+)?$",
            description="The user's own link for it, unchanged; otherwise empty.",
        ),
    ]


class Session(Response):
    """One visit to the gym."""

    name: Annotated[str, Field(min_length=1, max_length=100)]
    exercises: Annotated[list[Exercise], Field(min_length=1, max_length=20)]
    notes: Annotated[str, Field(max_length=1000, description="May be empty.")]


class _PlanText(Response):
    name: Annotated[str, Field(min_length=1, max_length=100)]
    description: Annotated[
        str, Field(max_length=3000, description="Why this plan suits the user, in a few sentences.")
    ]


class WorkoutPlan(_PlanText):
    """Sessions that are done in turn, week by week."""

    sessions: Annotated[list[Session], Field(min_length=1, max_length=7)]


class LongSession(Session):
    """One visit to the gym, in a plan of the chat."""

    exercises: Annotated[list[Exercise], Field(min_length=1, max_length=MAX_EXERCISES)]


class LongWorkoutPlan(_PlanText):
    """Sessions that are done in turn, up to those of a year."""

    sessions: Annotated[list[LongSession], Field(min_length=1, max_length=MAX_SESSIONS)]
