"""A plan while the language model writes it; pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic_core import from_json

Plan = TypeVar("Plan", bound=BaseModel)


@dataclass(frozen=True)
class PlanForm(Generic[Plan]):
    """The shapes of a plan, of its sessions and of their exercises."""

    plan: type[Plan]
    session: type[BaseModel]
    exercise: TypeAdapter[Any]


class PartialPlan(Generic[Plan]):
    """Reads what there is of a plan: its name, its sessions, and their finished exercises.

    An exercise that is there once stays as it is: only finished ones are shown.
    """

    def __init__(self, form: PlanForm[Plan]) -> None:
        self._form = form
        self._finished: dict[tuple[int, int], Any] = {}
        self._shown: Plan | None = None

    def read(self, text: str) -> Plan | None:
        """Return the plan in `text`, an incomplete JSON document; None if nothing is new in it.

        It is for display only: neither complete nor within all limits.
        """
        try:
            content = from_json(text, allow_partial=True)  # leaves out half a string
        except ValueError:
            return None  # not even the first brace, or no JSON
        if not isinstance(content, dict) or not isinstance(content.get("name"), str):
            return None
        plan = self._plan(content)
        if plan == self._shown:
            return None
        self._shown = plan
        return plan

    def _plan(self, content: dict[str, Any]) -> Plan:
        found = _objects(content, "sessions")
        sessions = [
            self._form.session.model_construct(
                name=_text(session, "name"),
                exercises=list(self._exercises(number, session, is_last=session is found[-1])),
                notes=_text(session, "notes"),
            )
            for number, session in enumerate(found)
            if _text(session, "name")
        ]
        return self._form.plan.model_construct(
            name=content["name"], description=_text(content, "description"), sessions=sessions
        )

    def _exercises(self, session: int, content: dict[str, Any], *, is_last: bool) -> Iterator[Any]:
        exercises = _objects(content, "exercises")
        if is_last and next(reversed(content)) == "exercises":
            exercises = exercises[:-1]  # the one that is being written: a number may be half there
        for number, exercise in enumerate(exercises):
            place = session, number
            if place not in self._finished:
                try:
                    self._finished[place] = self._form.exercise.validate_python(exercise)
                except ValidationError:
                    return
            yield self._finished[place]


def _objects(content: dict[str, Any], name: str) -> list[dict[str, Any]]:
    items = content.get(name)
    if not isinstance(items, list):
        return []
    return [item for item in items if isinstance(item, dict)]


def _text(content: dict[str, Any], name: str) -> str:
    text = content.get(name)
    return text if isinstance(text, str) else ""
