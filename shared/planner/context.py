"""Fits the messages of a conversation into the context of the language model; pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from pydantic_core import from_json, to_json

from shared.planner.messages import FunctionCall, Message
from shared.planner.prompts import INTRODUCE
from shared.planner.tokens import count_tokens, first_tokens

# OpenAI: about 4 tokens for the role of a message, and some more for a function call.
_TOKENS_PER_MESSAGE = 10

# Room for the note at the end of a shortened message.
_NOTE_TOKENS = 60

# A shorter beginning of an older message would not help the model.
_MIN_SHORTENED_TOKENS = 200

_Group = tuple[Message, ...]


@dataclass(frozen=True)
class Shortened:
    """A message of the user or a plan whose end was left out for the first time."""

    kept: int
    """The number of characters of the message, or of sessions of the plan."""

    full: int
    is_plan: bool
    is_newest: bool = False
    """Whether it is the message to which the model replies now."""


@dataclass(frozen=True)
class Fitted:
    """The messages that fit, and what was left out."""

    messages: tuple[Message, ...]
    shortened: Shortened | None = None
    has_dropped: bool = False
    """Whether a message of the user or a plan was left out as a whole."""


def fit(messages: Sequence[Message], budget: int) -> Fitted:
    """Return the newest messages with at most `budget` tokens.

    The oldest kept message of the user, or plan, may lose its end. The newest message is kept in
    any case, at least its beginning. A function call and its response stay together.
    """
    groups, kept = list(_groups(messages)), list[_Group]()
    shortened = None
    left = max(budget, _MIN_SHORTENED_TOKENS)
    while groups:
        group = groups[-1]
        cost = token_count(group)
        if cost > left:
            found = _shorten(group, left) if left >= _MIN_SHORTENED_TOKENS else None
            if found is not None:
                group, shortened = found
                shortened = shortened and replace(shortened, is_newest=not kept)
                kept.append(group)
                groups.pop()
            break
        kept.append(group)
        left -= cost
        groups.pop()
    return Fitted(
        tuple(message for group in reversed(kept) for message in group),
        shortened,
        has_dropped=any(_matters(group[0]) for group in groups),
    )


def token_count(messages: Sequence[Message]) -> int:
    """Return an estimate of the number of tokens of `messages`."""
    return sum(
        _TOKENS_PER_MESSAGE
        + count_tokens(each.text)
        + (_NOTE_TOKENS if each.full_length else 0)
        # The call of a response is the call of the message before it, which is already counted.
        + (count_tokens(each.call.arguments) if each.call and each.role != "tool" else 0)
        for each in messages
    )


def with_notes(messages: Sequence[Message]) -> list[Message]:
    """Return the messages as the model receives them: shortened ones end with a note."""
    return [replace(each, text=each.text + _note(each), full_length=0) for each in messages]


def _note(message: Message) -> str:
    match message:
        case Message(role="user", text=text, full_length=full) if full:
            return (
                f"\n\n[The rest is left out: these are the first {len(text)} of {full} characters.]"
            )
        case Message(role="tool", full_length=full) if full:
            return f" It has {full} sessions; only the first ones are here."
    return ""


def _groups(messages: Sequence[Message]) -> Iterator[_Group]:
    """Yield each message, and each function call together with its response."""
    group: list[Message] = []
    for message in messages:
        if group and message.role != "tool":
            yield tuple(group)
            group = []
        group.append(message)
    if group:
        yield tuple(group)


def _matters(message: Message) -> bool:
    """Whether the user should know that the message was left out."""
    is_written = message.role == "user" and message.text != INTRODUCE
    return is_written or message.call is not None


def _shorten(group: _Group, tokens: int) -> tuple[_Group, Shortened | None] | None:
    """Return the beginning of a message of the user or of a plan; None if nothing would be left."""
    first = group[0]
    if first.role == "user":
        text = first_tokens(first.text, tokens - _TOKENS_PER_MESSAGE - _NOTE_TOKENS)
        kept, full = len(text), len(first.text)
        shorter: _Group = (replace(first, text=text),)
    elif first.call is not None:
        rest = [replace(each, call=None, full_length=1) for each in group]
        plan = _first_sessions(first.call.arguments, tokens - token_count(rest))
        if plan is None:
            return None
        arguments, kept, full = plan
        call = FunctionCall(first.call.id, first.call.function, arguments)
        shorter = tuple(replace(each, call=call) for each in group)
    else:
        return None
    if not kept:
        return None
    if first.full_length:
        return shorter, None
    shorter = tuple(replace(each, full_length=full) for each in shorter)
    return shorter, Shortened(kept, full, is_plan=first.call is not None)


def _first_sessions(arguments: str, tokens: int) -> tuple[str, int, int] | None:
    """Return the plan with the sessions that fit, their number, and that of all sessions."""
    try:
        plan = from_json(arguments)
    except ValueError:
        return None
    sessions = plan.get("sessions") if isinstance(plan, dict) else None
    if not isinstance(sessions, list):
        return None
    left = tokens - count_tokens(_json({**plan, "sessions": []}))
    kept = 0
    for session in sessions:
        left -= count_tokens(_json(session) + ",")
        if left < 0:
            break
        kept += 1
    return _json({**plan, "sessions": sessions[:kept]}), kept, len(sessions)


def _json(content: object) -> str:
    return to_json(content).decode()
