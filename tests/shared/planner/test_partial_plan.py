"""Incomplete plans: each beginning of each JSON spelling can be shown."""

import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema_rs import Draft202012Validator
from pydantic import BaseModel, TypeAdapter
from pydantic_core import to_json

from shared.planner.links import find_links
from shared.planner.partial_plan import PartialPlan, PlanSchema
from shared.schemas import ai, blueprint
from shared.schemas.chat import ChatPlan, ChatPlanV2
from tests.functions.chat.plan_version_3 import PARTIAL_2025, PARTIAL_2026
from tests.shared.planner.plan_texts import exercises_2025, exercises_2026, plans, write_json


@dataclass(frozen=True)
class PlanVersion:
    """A plan version, its message on the wire, and the schema of the message."""

    plan: PlanSchema[Any]
    message: Callable[[Any], BaseModel]
    wire: Draft202012Validator
    exercises: st.SearchStrategy[dict[str, Any]]

    def to_wire(self, plan: BaseModel) -> Any:
        """Return the message with a plan in the form that the client parses."""
        message = json.loads(to_json(self.message(plan)))
        self.wire.validate(message)
        return message


V2025 = PlanVersion(
    PlanSchema(ai.WorkoutPlan, ai.Session, TypeAdapter(ai.Exercise)),
    lambda plan: ChatPlan.model_construct(plan=plan),
    PARTIAL_2025,
    exercises_2025,
)
V2026 = PlanVersion(
    PlanSchema(blueprint.Program, blueprint.Session, TypeAdapter(blueprint.Exercise)),
    lambda plan: ChatPlanV2.of_program(plan, date(2026, 7, 1)),
    PARTIAL_2026,
    exercises_2026,
)
BOTH_VERSIONS = pytest.mark.parametrize("version", [V2025, V2026], ids=["2025", "2026"])
EXERCISE_2025 = {
    "name": "Row",
    "sets": 3,
    "repsPerSet": 10,
    "weightIncreaseOnSuccess": 2.5,
    "restBetweenSets": dict.fromkeys(("minRest", "maxRest", "failureRest"), "00:01:00"),
    "supersetWithNext": False,
    "notes": "",
    "link": "",
}
KEYS = ("name", "sessions", "exercises", "notes", "type", "sets", "description")


def states_of(version: PlanVersion, text: str) -> Iterator[Any]:
    """Yield each state that is shown while `text` arrives character by character."""
    partial_plan = PartialPlan(version.plan, find_links(text))
    for end in range(len(text) + 1):
        plan = partial_plan.read(text[:end])
        if plan is not None:
            version.to_wire(plan)
            yield plan


def is_extension(before: Any, after: Any) -> bool:
    """Return whether `after` has everything of `before`, unchanged."""
    return (
        before.name == after.name
        and before.description in ("", after.description)
        and len(before.sessions) <= len(after.sessions)
        and all(
            older.name == newer.name
            and older.notes in ("", newer.notes)
            and older.exercises == newer.exercises[: len(older.exercises)]
            for older, newer in zip(before.sessions, after.sessions, strict=False)
        )
    )


@BOTH_VERSIONS
@given(st.data())
def test_states_of_a_plan_grow_into_the_plan(version: PlanVersion, data: st.DataObject) -> None:
    content = data.draw(plans(version.exercises))
    text = write_json(content, random.Random(data.draw(st.integers(0, 1000))))
    finished = version.plan.plan.model_validate_json(text)
    states = [*states_of(version, text), finished]
    assert all(is_extension(states[n], states[n + 1]) for n in range(len(states) - 1))
    # At most the last exercise is missing before the complete plan.
    last = [exercise for session in states[-2].sessions for exercise in session.exercises]
    every = [exercise for session in finished.sessions for exercise in session.exercises]
    assert len(last) >= len(every) - 1


INVALID_TEXTS = {
    "empty": "",
    "white space": " \n\t",
    "the first brace": "{",
    "an array": '[{"name": "P"}]',
    "half an array": '[{"name": "P"',
    "a number": "12",
    "half a number": "-",
    "not a number": "NaN",
    "null": "null",
    "half a word": "tru",
    "a text": '"name"',
    "no json": "Here is your plan!",
    "a fence": '```json\n{"name": "P"}',
    "a mark before it": '\ufeff{"name": "P"}',
    "a zero": "\0",
    "no name": '{"sessions": []}',
    "half a name": '{"name": "P',
    "a name that is a number": '{"name": 5}',
    "a name that is an object": '{"name": {"name": "P"}}',
    "half a character": '{"name": "\\ud83d"}',
    "half a character, and half another": '{"name": "\\ud83d\\ud83d',
    "halves in the wrong order": '{"name": "\\ude00\\ud83d"}',
    "a control character": '{"name": "a\nb"}',
    "deep arrays": '{"name": "P", "sessions": ' + "[" * 50_000,
    "deep objects": '{"name": "P", "sessions": ' + '{"a":' * 50_000,
    "a long number": '{"name": "P", "sessions": ' + "1" * 5000 + "x",
}


@BOTH_VERSIONS
@pytest.mark.parametrize("text", INVALID_TEXTS.values(), ids=INVALID_TEXTS)
def test_invalid_text_is_not_shown(version: PlanVersion, text: str) -> None:
    assert PartialPlan(version.plan).read(text) is None


@BOTH_VERSIONS
@given(
    content=st.recursive(
        st.none() | st.booleans() | st.floats() | st.integers() | st.sampled_from(("", *KEYS)),
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4)
        ),
        max_leaves=20,
    )
)
def test_any_json_can_be_shown_or_is_ignored(version: PlanVersion, content: Any) -> None:
    for wrapped in (content, {"name": "P", "sessions": content}):
        assert all(plan.name for plan in states_of(version, json.dumps(wrapped)))


@BOTH_VERSIONS
@given(text=st.text(max_size=30))
def test_any_text_is_read_without_an_error(version: PlanVersion, text: str) -> None:
    partial_plan = PartialPlan(version.plan)
    for beginning in ("", '{"name": "P", "sessions": [{"name": "S", "exercises": ['):
        partial_plan.read(beginning + text)


def test_exercise_is_shown_when_more_text_follows() -> None:
    exercise = json.dumps(EXERCISE_2025)
    beginning = f'{{"name": "P", "sessions": [{{"name": "S", "exercises": [{exercise}'
    names = []
    partial_plan = PartialPlan(V2025.plan)
    for text in (beginning, f"{beginning}, {{", f"{beginning}, {exercise}], "):
        plan = partial_plan.read(text)
        names.append(plan and [each.name for each in plan.sessions[0].exercises])
    assert names == [[], ["Row"], None]
    plan = partial_plan.read(f'{beginning}, {exercise}], "notes": ""')
    assert plan is not None
    assert len(plan.sessions[0].exercises) == 2


def test_unknown_link_is_never_shown() -> None:
    linked = json.dumps({**EXERCISE_2025, "link": "https://example.org/row"})
    text = f'{{"name": "P", "sessions": [{{"name": "S", "exercises": [{linked}], "notes": ""'
    for known, shown in ((find_links("example.org/row"), True), (find_links("x.org"), False)):
        plan = PartialPlan(V2025.plan, known).read(text)
        assert plan is not None
        assert bool(plan.sessions[0].exercises[0].link) == shown


def test_each_state_is_shown_once() -> None:
    partial_plan = PartialPlan(V2025.plan)
    assert partial_plan.read('{"name": "P"') is not None
    assert partial_plan.read('{"name": "P", "description": "so') is None
    assert partial_plan.read('{"name": "P", "description": "some') is None
    assert partial_plan.read('{"name": "P", "description": "some"') is not None


def test_exercises_after_an_invalid_one_are_not_shown() -> None:
    exercises = [EXERCISE_2025, {**EXERCISE_2025, "sets": 0}, EXERCISE_2025]
    content = {
        "name": "P",
        "sessions": [
            {"name": "A", "exercises": exercises, "notes": ""},
            {"name": "B", "exercises": exercises, "notes": ""},
        ],
    }
    plan = PartialPlan(V2025.plan).read(json.dumps(content))
    assert plan is not None
    assert [len(session.exercises) for session in plan.sessions] == [1, 1]
