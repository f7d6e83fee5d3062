"""The states of a reply while a long plan arrives."""

import json

from pydantic import BaseModel

from shared.planner.history import History
from shared.planner.model_response import ModelResponse
from shared.planner.reply import Reply
from tests.shared.planner.conversations import EXERCISE, PLAN, PLAN_SCHEMA

PART_CHARACTERS = 64


class CountingObserver:
    """Counts the states of a plan."""

    def __init__(self) -> None:
        self.plan_count = 0

    def update_text(self, _text: str) -> None:
        """Ignore a text."""

    def update_plan(self, _plan: BaseModel) -> None:
        """Count a state."""
        self.plan_count += 1


def count_states(session_count: int) -> int:
    """Return the number of states while a plan with so many sessions arrives in small parts."""
    session = {"name": "Day", "exercises": [EXERCISE] * 8, "notes": ""}
    text = json.dumps({**PLAN, "sessions": [session] * session_count})
    observer, response = CountingObserver(), ModelResponse()
    reply = Reply(PLAN_SCHEMA, observer, History())
    for begin in range(0, len(text), PART_CHARACTERS):
        part = {"name": "show_plan", "arguments": text[begin : begin + PART_CHARACTERS]}
        delta = {"tool_calls": [{"index": 0, "id": "1", "function": part}]}
        response.add({"choices": [{"delta": delta}]})
        reply.update(response)
    return observer.plan_count


def test_number_of_states_grows_slowly_with_the_plan() -> None:
    """Each state costs time and traffic in proportion to the plan so far."""
    month, year = count_states(30), count_states(364)
    assert month > 80  # a user sees the plan grow
    assert year < 1.6 * month
