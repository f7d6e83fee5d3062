"""Replies of the fake language model: text, or a plan made from the request."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from scripts.fakes.exercises import COOL_DOWN, WORKOUTS, Exercise, matching

_PLAN_REQUEST = re.compile(r"\b(plan|program(me)?|workout|session|routine)s?\b", re.IGNORECASE)
_EXPLANATION_REQUEST = re.compile(r"\b(explain|why|how|tell me)\b", re.IGNORECASE)
_INTRODUCTION_REQUEST = re.compile(r"\bintroduce\b", re.IGNORECASE)
_MAX_DAYS = 7
_DEFAULT_DAYS = 3
_DEFAULT_EXERCISES = 5

INTRODUCTION = (
    "I am a fake language model on your machine. I have a short list of exercises. "
    "You can try the whole product with me and without a key."
)


_MakeSession = Callable[[str, list[Exercise], str], dict[str, Any]]


@dataclass(frozen=True)
class Speech:
    """A reply: text, with an optional function call or refusal."""

    text: str = ""
    function: str | None = None
    arguments: str = ""
    refusal: str | None = None
    text_within_call: str = ""
    """More text, streamed between the parts of the arguments."""

    text_after_call: str = ""

    @property
    def whole_text(self) -> str:
        """The text before, within and after the call."""
        return self.text + self.text_within_call + self.text_after_call


def reply_to(request: dict[str, Any]) -> Speech:
    """Return the reply to a request of the Chat Completions API."""
    # Only the last message of the user decides. The fake keeps no state.
    prompt = next(
        (str(m.get("content")) for m in reversed(request["messages"]) if m["role"] == "user"), ""
    )
    tools = [tool["function"] for tool in request.get("tools") or ()]
    # A request that names one tool must call it, even for a text that asks for no plan.
    is_forced = isinstance(request.get("tool_choice"), dict)
    # After the result of a tool, the model comments on it instead of calling the tool again.
    answers_a_tool = request["messages"][-1]["role"] == "tool" and not is_forced
    requests_plan = _PLAN_REQUEST.search(prompt) and not _INTRODUCTION_REQUEST.search(prompt)
    if tools and (is_forced or (requests_plan and not answers_a_tool)):
        function = tools[0]
        words = "" if is_forced else "Here is a plan for you."
        unit = (
            _line(str(request["messages"][0].get("content")), "The user's unit for weights") or ""
        )
        filled = _filled(function["parameters"], f"{prompt}\n{unit}")
        return Speech(words, function["name"], json.dumps(filled))
    if _EXPLANATION_REQUEST.search(prompt) and not _INTRODUCTION_REQUEST.search(prompt):
        return Speech(_EXPLANATION)
    return Speech(f"{INTRODUCTION} Ask me for a plan, or to explain something.")


def _filled(schema: dict[str, Any], prompt: str) -> dict[str, Any]:
    # The schema of a single session has no list of sessions.
    if "sessions" not in schema["properties"]:
        return _session_alone(prompt)
    # The two plan forms have different schemas. Only plan version 3 has weighted exercises.
    is_blueprint = "WeightedExercise" in schema.get("$defs", {})
    return _plan(prompt, _blueprint_session if is_blueprint else _session)


def _plan(prompt: str, session: _MakeSession) -> dict[str, Any]:
    days = min(_number(prompt, r"(?:per week: |\b)([1-7])(?= days?|\.)", _DEFAULT_DAYS), _MAX_DAYS)
    level = _line(prompt, "Experience") or "any"
    goals = _line(prompt, "Goals") or "to get stronger"
    return {
        "name": f"{days} day{'s' if days > 1 else ''} a week",
        "description": f"{INTRODUCTION} Your goals: {goals}. Your level: {level}.",
        "sessions": [
            session(f"Day {day + 1}: {title}", exercises[:_DEFAULT_EXERCISES], prompt)
            for day, (title, exercises) in enumerate(
                WORKOUTS[day % len(WORKOUTS)] for day in range(days)
            )
        ],
    }


def _session_alone(prompt: str) -> dict[str, Any]:
    count = _number(prompt, r"Number of exercises: (\d+)", _DEFAULT_EXERCISES)
    areas = (_line(prompt, "Areas to train") or "full body").lower().split(", ")
    # The prompt lists the exercises of the user as `name weight unit`, separated by semicolons.
    known = re.findall(r"[:;] ([^:;]+?) -?[\d.]+ (?:kg|lb)", prompt)
    session = _session(
        " and ".join(areas).capitalize()[:100], matching(areas, known, count), prompt
    )
    return {**session, "notes": INTRODUCTION}


def _session(name: str, exercises: list[Exercise], prompt: str) -> dict[str, Any]:
    imperial = "(lb)" in prompt
    return {
        "name": name,
        "exercises": [e.as_json(imperial=imperial) for e in exercises],
        "notes": "",
    }


def _blueprint_session(name: str, exercises: list[Exercise], prompt: str) -> dict[str, Any]:
    # The prompt of the chat spells the unit out. The prompt of the AI routes has (kg) or (lb).
    imperial = "pounds" in prompt
    # One superset per session, so that apps can show one.
    last_but_one = len(exercises) - 2
    return {
        "name": name,
        "exercises": [
            *(
                e.as_blueprint(imperial=imperial, superset=place == last_but_one)
                for place, e in enumerate(exercises)
            ),
            COOL_DOWN,
        ],
        "notes": "",
    }


def _line(prompt: str, label: str) -> str | None:
    found = re.search(rf"^{label}: (.+)$", prompt, re.MULTILINE)
    return found[1] if found else None


def _number(prompt: str, pattern: str, otherwise: int) -> int:
    found = re.search(pattern, prompt)
    return int(found[1]) if found else otherwise


_EXPLANATION = f"""{INTRODUCTION} Here are four rules of training.

Progression: do a little more than last time. Add a repetition first. At the upper limit, add \
weight and start again with fewer repetitions. Small steps work longer than large ones.

Rest between sets: 90 seconds after an easy set, three minutes after a heavy set, and five \
minutes after a failed set. Short rests train endurance more than strength.

Rest between sessions: a muscle needs about two days, with sleep and food. For this reason a plan \
alternates between push, pull and legs.

Records: write down each session. Compare after eight weeks, and change one thing at a time."""
