"""The messages of a conversation that the language model receives; pure.

Source: contract, heading "Chat".
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain, islice

from shared.planner.context import Shortened, fit, token_count, with_notes
from shared.planner.links import find_links
from shared.planner.messages import Message

MAX_MESSAGES = 20

# A shared program is one message. Messages that are written by hand are shorter.
MIN_PROGRAM_CHARACTERS = 2000

_MAX_LINKS = 5000

_FORGOTTEN = "I no longer remember the beginning of our conversation: it is too long for me."


@dataclass(frozen=True)
class History:
    """The last 20 messages, and older ones of the user that are long enough for a program.

    The first message is never the response to a function call that was dropped.
    """

    messages: tuple[Message, ...] = ()
    """The messages, oldest first."""

    links: frozenset[str] = frozenset()
    """The links in all messages of the user so far."""

    has_dropped: bool = False
    """Whether the user knows that something was dropped because of the model's context."""

    @property
    def token_count(self) -> int:
        """An estimate of the number of tokens."""
        return token_count(self.messages)

    def plus(self, *messages: Message) -> "History":
        """Return a history with further messages.

        A function call and its response must be added together.
        """
        everything = (*self.messages, *messages)
        older, newest = everything[:-MAX_MESSAGES], everything[-MAX_MESSAGES:]
        # OpenAI rejects a response whose function call is missing.
        while newest and newest[0].role == "tool":
            newest = newest[1:]
        kept = (*filter(_may_be_program, older), *newest)
        return replace(self, messages=kept, links=self._links_with(messages))

    def fit(self, tokens: int) -> tuple["History", str]:
        """Return a history of at most so many tokens, and a notice for the user.

        The notice names what was left out for the first time. It is empty if nothing was.
        """
        found = fit(self.messages, tokens)
        notices = [_describe(found.shortened)] if found.shortened else []
        if found.has_dropped and not self.has_dropped:
            notices.append(_FORGOTTEN)
        has_dropped = self.has_dropped or found.has_dropped
        history = replace(self, messages=found.messages, has_dropped=has_dropped)
        return history, " ".join(notices)

    def for_model(self) -> list[Message]:
        """Return the messages as the model receives them."""
        return with_notes(self.messages)

    def _links_with(self, messages: Sequence[Message]) -> frozenset[str]:
        found = chain.from_iterable(find_links(each.text) for each in messages if _is_users(each))
        new = dict.fromkeys(found)
        return frozenset(islice(chain(new, self.links), _MAX_LINKS)) if new else self.links


def _is_users(message: Message) -> bool:
    return message.role == "user"


def _may_be_program(message: Message) -> bool:
    length = max(message.full_length, len(message.text))
    return _is_users(message) and length >= MIN_PROGRAM_CHARACTERS


def _describe(shortened: Shortened) -> str:
    kept, full = shortened.kept, shortened.full
    if shortened.is_plan:
        return f"The plan is too long for me: I remember the first {kept} of its {full} sessions."
    percent = max(1, 100 * kept // full)
    if shortened.is_newest:
        return f"Your message is too long for me: I read the first {percent} % of it."
    return (
        "Our conversation is too long for me: "
        f"I remember the first {percent} % of one of your messages."
    )
