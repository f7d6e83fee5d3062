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
from shared.planner.partial_plan import PlanForm
from shared.planner.settings import ModelSettings
from shared.schemas import ai
from tests.shared.planner.conftest import KEY, Coach

FORM = PlanForm(ai.WorkoutPlan, ai.Session, TypeAdapter(ai.Exercise))
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
WORDS = "SECRET-words: here is what I would do in your place."


@dataclass
class Follower:
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

    def hear(self, text: str) -> None:
        """Take the whole text so far."""
        text.encode()
        self.states.append(text)

    def see(self, plan: ai.WorkoutPlan) -> None:
        """Take the whole plan so far."""
        plan.model_dump_json()
        self.states.append(plan)


async def everybody() -> None:
    """Refuse nobody."""


def talk(
    coach: Coach, admit: Admit = everybody, **settings: object
) -> Conversation[ai.WorkoutPlan]:
    """Return a new talk, with other settings than the usual."""
    usual = {
        "api_key": KEY,
        "base_url": f"{coach.address}/v1",
        "retries": 0,
        "silence_s": 20,
        "deadline_s": 60,
    }
    chosen = ModelSettings.model_validate({**usual, **settings})
    model = Model(chosen, Secrets(SecretSettings()), coach.http)
    return Conversation(model, FORM, chosen.deadline_s, admit)


async def said(chat: Conversation[ai.WorkoutPlan], text: str = "SECRET-wish") -> Follower:
    """Say something, and return who has followed the reply to its end."""
    follower = Follower()
    await chat.say(text, follower)
    return follower


def saying(text: str, **changes: Any) -> Scripted:
    """Return a reply of words."""
    return Scripted(Speech(text), **changes)


def calling(arguments: object, *, words: str = "", **changes: Any) -> Scripted:
    """Return a reply that hands over a plan, after some words."""
    text = arguments if isinstance(arguments, str) else json.dumps(arguments)
    return Scripted(Speech(words, "show_plan", text), **changes)


def reminders(coach: Coach) -> list[dict[str, Any]]:
    """Return what the model was reminded of by the newest request, without our instructions."""
    messages: list[dict[str, Any]] = coach.openai.requests[-1]["messages"]
    assert [message["role"] == "system" for message in messages].index(True) == 0
    assert all(message["role"] != "system" for message in messages[1:])
    return messages[1:]


def user(text: str) -> dict[str, str]:
    """Return how the model is reminded of a user's words."""
    return {"role": "user", "content": text}


def assistant(text: str) -> dict[str, str]:
    """Return how the model is reminded of its own words."""
    return {"role": "assistant", "content": text}
