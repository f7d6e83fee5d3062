"""What tests of the talk need: a chat whose model is the stand-in, who follows it, and a plan."""

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

FORM = PlanSchema(ai.WorkoutPlan, ai.Session, TypeAdapter(ai.Exercise))
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
TEXT_BEFORE_PLAN = "SECRET-words: here is what I would do in your place."


@dataclass
class RecordingObserver:
    """An audience that keeps every state of a reply; all of them can be sent on."""

    states: list[str | ai.WorkoutPlan] = field(default_factory=list)
    """Texts and plans, in order."""

    @property
    def texts(self) -> list[str]:
        """The texts alone."""
        return [state for state in self.states if isinstance(state, str)]

    @property
    def plans(self) -> list[ai.WorkoutPlan]:
        """The plans alone."""
        return [state for state in self.states if not isinstance(state, str)]

    def update_text(self, text: str) -> None:
        """Take the whole text so far."""
        text.encode()
        self.states.append(text)

    def update_plan(self, plan: ai.WorkoutPlan) -> None:
        """Take the whole plan so far."""
        plan.model_dump_json()
        self.states.append(plan)


async def admit_all() -> None:
    """Refuse nobody."""


def new_conversation(
    fake: FakeModel, admit: Admit = admit_all, **settings: object
) -> Conversation[ai.WorkoutPlan]:
    """Return a new talk, with other settings than the usual."""
    usual = {
        "api_key": KEY,
        "base_url": f"{fake.address}/v1",
        "retries": 0,
        "silence_s": 20,
        "deadline_s": 60,
    }
    chosen = ModelSettings.model_validate({**usual, **settings})
    model = Model(chosen, Secrets(SecretSettings()), fake.http)
    return Conversation(model, FORM, chosen.deadline_s, admit)


async def request_reply(
    conversation: Conversation[ai.WorkoutPlan], text: str = "SECRET-wish"
) -> RecordingObserver:
    """Say something, and return who has followed the reply to its end."""
    observer = RecordingObserver()
    await conversation.reply(text, observer)
    return observer


def text_response(text: str, **changes: Any) -> Scripted:
    """Return a reply of words."""
    return Scripted(Speech(text), **changes)


def plan_response(arguments: object, *, words: str = "", **changes: Any) -> Scripted:
    """Return a reply that hands over a plan, after some words."""
    text = arguments if isinstance(arguments, str) else json.dumps(arguments)
    return Scripted(Speech(words, "show_plan", text), **changes)


def prompt_messages(fake: FakeModel) -> list[dict[str, Any]]:
    """Return what the model was reminded of by the newest request, without our instructions."""
    messages: list[dict[str, Any]] = fake.openai.requests[-1]["messages"]
    assert [message["role"] == "system" for message in messages].index(True) == 0
    assert all(message["role"] != "system" for message in messages[1:])
    return messages[1:]


def user_message(text: str) -> dict[str, str]:
    """Return how the model is reminded of a user's words."""
    return {"role": "user", "content": text}


def assistant_message(text: str) -> dict[str, str]:
    """Return how the model is reminded of its own words."""
    return {"role": "assistant", "content": text}
