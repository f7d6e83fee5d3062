"""A plan while it is being written: every beginning of every spelling of it can be shown."""

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

from shared.planner.partial_plan import PartialPlan, PlanForm
from shared.schemas import ai, blueprint
from shared.schemas.chat import ChatPlan, ChatPlanV2
from tests.functions.chat.plan_version_3 import GROWING_2025, GROWING_2026
from tests.shared.planner.plan_texts import exercises_2025, exercises_2026, plans, spelled


@dataclass(frozen=True)
class Form:
    """A form of plans, how it goes over the wire, and what it is held against there."""

    plan: PlanForm[Any]
    message: Callable[[Any], BaseModel]
    wire: Draft202012Validator
    exercises: st.SearchStrategy[dict[str, Any]]

    def told(self, plan: BaseModel) -> Any:
        """Return the message with a plan as the client reads it."""
        message = json.loads(to_json(self.message(plan)))
        self.wire.validate(message)
        return message


OLD = Form(
    PlanForm(ai.WorkoutPlan, ai.Session, TypeAdapter(ai.Exercise)),
    lambda plan: ChatPlan.model_construct(plan=plan),
    GROWING_2025,
    exercises_2025,
)
NEW = Form(
    PlanForm(blueprint.Program, blueprint.Session, TypeAdapter(blueprint.Exercise)),
    lambda plan: ChatPlanV2.of_program(plan, date(2026, 7, 1)),
    GROWING_2026,
    exercises_2026,
)
BOTH_FORMS = pytest.mark.parametrize("form", [OLD, NEW], ids=["2025", "2026"])
OLD_EXERCISE = {
    "name": "Row",
    "sets": 3,
    "repsPerSet": 10,
    "weightIncreaseOnSuccess": 2.5,
    "restBetweenSets": dict.fromkeys(("minRest", "maxRest", "failureRest"), "00:01:00"),
    "supersetWithNext": False,
    "notes": "",
    "link": "",
}
WORDS = ("name", "sessions", "exercises", "notes", "type", "sets", "description")


def shown(form: Form, text: str) -> Iterator[Any]:
    """Yield every state that is shown while `text` comes, character by character."""
    growing = PartialPlan(form.plan)
    for end in range(len(text) + 1):
        plan = growing.read(text[:end])
        if plan is not None:
            form.told(plan)
            yield plan


def has_grown(before: Any, after: Any) -> bool:
    """Whether all that was shown is still there, unchanged, and there may be more."""
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


@BOTH_FORMS
@given(st.data())
def test_what_is_shown_of_any_beginning_grows_into_the_plan(
    form: Form, data: st.DataObject
) -> None:
    content = data.draw(plans(form.exercises))
    text = spelled(content, random.Random(data.draw(st.integers(0, 1000))))
    finished = form.plan.plan.model_validate_json(text)
    states = [*shown(form, text), finished]
    assert all(has_grown(states[n], states[n + 1]) for n in range(len(states) - 1))
    # Of the exercises, at most the very last is shown with the finished plan only.
    last = [exercise for session in states[-2].sessions for exercise in session.exercises]
    every = [exercise for session in finished.sessions for exercise in session.exercises]
    assert len(last) >= len(every) - 1


NOTHING = {
    "nothing": "",
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


@BOTH_FORMS
@pytest.mark.parametrize("text", NOTHING.values(), ids=NOTHING)
def test_what_is_no_plan_is_not_shown(form: Form, text: str) -> None:
    assert PartialPlan(form.plan).read(text) is None


@BOTH_FORMS
@given(
    content=st.recursive(
        st.none() | st.booleans() | st.floats() | st.integers() | st.sampled_from(("", *WORDS)),
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=4)
        ),
        max_leaves=20,
    )
)
def test_whatever_else_the_model_writes_can_be_shown_or_is_not(form: Form, content: Any) -> None:
    for wrapped in (content, {"name": "P", "sessions": content}):
        assert all(plan.name for plan in shown(form, json.dumps(wrapped)))


@BOTH_FORMS
@given(text=st.text(max_size=30))
def test_no_text_is_an_error(form: Form, text: str) -> None:
    growing = PartialPlan(form.plan)
    for beginning in ("", '{"name": "P", "sessions": [{"name": "S", "exercises": ['):
        growing.read(beginning + text)


def test_an_exercise_is_shown_once_something_comes_after_it() -> None:
    exercise = json.dumps(OLD_EXERCISE)
    begun = f'{{"name": "P", "sessions": [{{"name": "S", "exercises": [{exercise}'
    names = []
    growing = PartialPlan(OLD.plan)
    for text in (begun, f"{begun}, {{", f"{begun}, {exercise}], "):
        plan = growing.read(text)
        names.append(plan and [each.name for each in plan.sessions[0].exercises])
    assert names == [[], ["Row"], None]
    plan = growing.read(f'{begun}, {exercise}], "notes": ""')
    assert plan is not None
    assert len(plan.sessions[0].exercises) == 2


def test_a_state_is_shown_once() -> None:
    growing = PartialPlan(OLD.plan)
    assert growing.read('{"name": "P"') is not None
    assert growing.read('{"name": "P", "description": "so') is None
    assert growing.read('{"name": "P", "description": "some') is None
    assert growing.read('{"name": "P", "description": "some"') is not None


def test_what_comes_after_an_exercise_that_does_not_fit_waits_for_the_finished_plan() -> None:
    exercises = [OLD_EXERCISE, {**OLD_EXERCISE, "sets": 0}, OLD_EXERCISE]
    content = {
        "name": "P",
        "sessions": [
            {"name": "A", "exercises": exercises, "notes": ""},
            {"name": "B", "exercises": exercises, "notes": ""},
        ],
    }
    plan = PartialPlan(OLD.plan).read(json.dumps(content))
    assert plan is not None
    assert [len(session.exercises) for session in plan.sessions] == [1, 1]
