"""One reply of the coach while it arrives, and the states of it that the user sees."""

from typing import Generic, Protocol, TypeVar

from pydantic import BaseModel

from shared.planner.history import History
from shared.planner.links import keep_known_links
from shared.planner.messages import FunctionCall, Message
from shared.planner.model_response import ModelResponse
from shared.planner.partial_plan import PartialPlan, Plan, PlanSchema
from shared.planner.prompts import PLAN_SHOWN

# A chunk has a few characters, and each reading of a plan parses and sends all of it. A share of
# the length keeps the total work linear in the length of the plan. All readings together are at
# most 51 times as long as the plan, and 11 times for a plan of months.
_MIN_NEW_CHARACTERS = 32
_MIN_NEW_SHARE = 0.02
_LONG_PLAN_CHARACTERS = 100_000
_MIN_NEW_SHARE_OF_LONG_PLAN = 0.1

Plan_contra = TypeVar("Plan_contra", bound=BaseModel, contravariant=True)


class ReplyObserver(Protocol[Plan_contra]):
    """Receives the states of a reply. Each state replaces the previous ones.

    The complete plan is always the last update.
    """

    def update_text(self, text: str) -> None:
        """Receive the whole text so far."""

    def update_plan(self, plan: Plan_contra) -> None:
        """Receive the whole plan so far. The last one is complete and valid."""


class Reply(Generic[Plan]):
    """One reply of the coach, from one or two responses of the model, and the history before it."""

    def __init__(
        self, schema: PlanSchema[Plan], observer: ReplyObserver[Plan], history: History
    ) -> None:
        self.history = history
        self._schema = schema
        self._observer = observer
        self._notice = ""
        self._previous_text = ""
        self._text = ""
        self._read_characters = 0
        self._plan = PartialPlan(schema, history.links)
        self._call: FunctionCall | None = None

    def fit(self, tokens: int) -> None:
        """Shorten the history, and note what was left out for the first time."""
        self.history, notice = self.history.fit(tokens)
        self._notice = _join(self._notice, notice)

    def begin(self) -> None:
        """Begin the reply with what was left out for the first time."""
        if self._notice:
            self._observer.update_text(self._notice)

    def update(self, response: ModelResponse) -> None:
        """Pass changes to the observer."""
        text = _join(self._previous_text, response.text)
        if text != self._text:
            self._text = text
            self._observer.update_text(_join(self._notice, text))
        length, read = response.arguments_length, self._read_characters
        if length - read >= _min_new_characters(read):
            self._read_characters = length
            plan = self._plan.read(response.arguments)
            if plan is not None:
                self._observer.update_plan(plan)

    def begin_correction(self) -> None:
        """Keep the text of the first response, and drop its plan."""
        self._previous_text = self._text
        self._read_characters = 0
        self._plan = PartialPlan(self._schema, self.history.links)

    def finish(self, plan: Plan, call: FunctionCall | None) -> None:
        """Pass the complete plan to the observer."""
        self._observer.update_plan(keep_known_links(plan, self.history.links))
        self._call = call

    def messages(self) -> list[Message]:
        """Return the messages for the history; with a plan only if it is complete."""
        if self._call is not None:
            return [
                Message("assistant", self._text, self._call),
                Message("tool", PLAN_SHOWN, self._call),
            ]
        return [Message("assistant", self._text)] if self._text else []


def _join(*texts: str) -> str:
    return "\n\n".join(filter(None, texts))


def _min_new_characters(read: int) -> float:
    share = _MIN_NEW_SHARE if read < _LONG_PLAN_CHARACTERS else _MIN_NEW_SHARE_OF_LONG_PLAN
    return max(_MIN_NEW_CHARACTERS, read * share)
