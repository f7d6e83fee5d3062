"""Conversations with the fake model, an observer of replies, and a plan."""

import json
from dataclasses import dataclass, field
from typing import Any

from pydantic import TypeAdapter

from scripts.fakes.conversation import Speech
from scripts.fakes.openai import Scripted
from shared.clients.secrets import Secrets
from shared.clients.settings import SecretSettings
from shared.planner.conversation import Admit, Conversation
from shared.planner.model import Model
from shared.planner.partial_plan import PlanSchema
from shared.planner.settings import ModelSettings
from shared.schemas import ai
from tests.shared.planner.conftest import KEY, FakeModel

PLAN_SCHEMA = PlanSchema(ai.WorkoutPlan, ai.Session, TypeAdapter(ai.Exercise))
EXERCISE: dict[str, Any] = {
    "name": "SECRET-Row",
    "sets": 3,
    "repsPerSet": 10,
    "weightIncreaseOnSuccess": 2.5,
    "restBetweenSets": {"minRest": "00:01:00", "maxRest": "00:02:00", "failureRest": "00:03:00"},
    "supersetWithNext": False,
    "notes": "",
    "link": "",
}
SESSION: dict[str, Any] = {"name": "SECRET-Day", "exercises": [EXERCISE] * 3, "notes": ""}
PLAN: dict[str, Any] = {
    "name": "SECRET-Plan",
    "description": "SECRET-reasons",
    "sessions": [SESSION] * 2,
}
TEXT_BEFORE_PLAN = "SECRET-text: here is the plan that I recommend."


@dataclass
class RecordingObserver:
    """Keeps each state of a reply. Fails for a state that cannot be sent to a client."""

    states: list[str | ai.WorkoutPlan] = field(default_factory=list)
    """Texts and plans, in order."""

    @property
    def texts(self) -> list[str]:
        """The texts only."""
        return [state for state in self.states if isinstance(state, str)]

    @property
    def plans(self) -> list[ai.WorkoutPlan]:
        """The plans only."""
        return [state for state in self.states if not isinstance(state, str)]

    def update_text(self, text: str) -> None:
        """Keep the whole text so far."""
        text.encode()
        self.states.append(text)

    def update_plan(self, plan: ai.WorkoutPlan) -> None:
        """Keep the whole plan so far."""
        plan.model_dump_json()
        self.states.append(plan)


async def admit_all() -> None:
    """Admit every reply."""


def new_conversation(
    fake: FakeModel, admit: Admit = admit_all, **settings: object
) -> Conversation[ai.WorkoutPlan]:
    """Return a new conversation, with changed settings."""
    default = {
        "api_key": KEY,
        "base_url": f"{fake.address}/v1",
        "retries": 0,
        "silence_s": 20,
        "deadline_s": 60,
    }
    chosen = ModelSettings.model_validate({**default, **settings})
    model = Model(chosen, Secrets(SecretSettings()), fake.http)
    return Conversation(model, PLAN_SCHEMA, chosen.deadline_s, admit)


async def request_reply(
    conversation: Conversation[ai.WorkoutPlan], text: str = "SECRET-message"
) -> RecordingObserver:
    """Send a message; return the observer at the end of the reply."""
    observer = RecordingObserver()
    await conversation.reply(text, observer)
    return observer


def text_response(text: str, **changes: Any) -> Scripted:
    """Return a response with text only."""
    return Scripted(Speech(text), **changes)


def plan_response(arguments: object, *, text: str = "", **changes: Any) -> Scripted:
    """Return a response with a plan, after some text."""
    content = arguments if isinstance(arguments, str) else json.dumps(arguments)
    return Scripted(Speech(text, "show_plan", content), **changes)


def prompt_messages(fake: FakeModel) -> list[dict[str, Any]]:
    """Return the messages of the newest request to the model, without the system prompt."""
    messages: list[dict[str, Any]] = fake.openai.requests[-1]["messages"]
    assert [message["role"] == "system" for message in messages].index(True) == 0
    assert all(message["role"] != "system" for message in messages[1:])
    return messages[1:]


def user_message(text: str) -> dict[str, str]:
    """Return a user's message in a request to the model."""
    return {"role": "user", "content": text}


def assistant_message(text: str) -> dict[str, str]:
    """Return the model's own message in a request."""
    return {"role": "assistant", "content": text}
