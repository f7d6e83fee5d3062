"""A plan while the language model writes it; pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic_core import from_json

from shared.planner.links import keep_known_links

Plan = TypeVar("Plan", bound=BaseModel)


@dataclass(frozen=True)
class PlanSchema(Generic[Plan]):
    """The schemas of a plan, of its sessions and of their exercises."""

    plan: type[Plan]
    session: type[BaseModel]
    exercise: TypeAdapter[Any]


class PartialPlan(Generic[Plan]):
    """Reads an incomplete plan: its name, its sessions and their complete exercises.

    An exercise never changes after it was read: only complete ones are read. A link that is not in
    `links` is left out.
    """

    def __init__(self, schema: PlanSchema[Plan], links: frozenset[str] = frozenset()) -> None:
        self._schema = schema
        self._links = links
        self._exercises: dict[tuple[int, int], object] = {}
        self._last: Plan | None = None

    def read(self, text: str) -> Plan | None:
        """Return the plan in `text`, an incomplete JSON document; None if it has not changed.

        The plan is for display only: it is incomplete and its limits are not checked.
        """
        try:
            content = from_json(text, allow_partial=True)  # drops an incomplete string
        except ValueError:
            return None  # not even the first brace, or not JSON
        if not isinstance(content, dict) or not isinstance(content.get("name"), str):
            return None
        plan = self._read_plan(content)
        # Most chunks extend an exercise, which is not shown yet.
        if plan == self._last:
            return None
        self._last = plan
        return plan

    def _read_plan(self, content: Mapping[str, object]) -> Plan:
        found = _objects(content, "sessions")
        sessions = [
            self._schema.session.model_construct(
                name=_text(session, "name"),
                exercises=list(self._read_exercises(number, session, is_last=session is found[-1])),
                notes=_text(session, "notes"),
            )
            for number, session in enumerate(found)
            if _text(session, "name")
        ]
        return self._schema.plan.model_construct(
            name=content["name"], description=_text(content, "description"), sessions=sessions
        )

    def _read_exercises(
        self, session: int, content: Mapping[str, object], *, is_last: bool
    ) -> Iterator[object]:
        exercises = _objects(content, "exercises")
        if is_last and list(content)[-1] == "exercises":
            # The model still writes the last exercise: its last number may lack digits.
            exercises = exercises[:-1]
        for number, exercise in enumerate(exercises):
            place = session, number
            if place not in self._exercises:
                try:
                    found = self._schema.exercise.validate_python(exercise)
                except ValidationError:
                    return
                self._exercises[place] = keep_known_links(found, self._links)
            yield self._exercises[place]


def _objects(content: Mapping[str, object], name: str) -> list[dict[str, object]]:
    items = content.get(name)
    if not isinstance(items, list):
        return []
    return [item for item in items if isinstance(item, dict)]


def _text(content: Mapping[str, object], name: str) -> str:
    text = content.get(name)
    return text if isinstance(text, str) else ""
