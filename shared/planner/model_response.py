"""A reply of the language model while it grows, piece by piece; pure."""

from dataclasses import dataclass, field

from pydantic import BaseModel

from shared.planner.messages import FunctionCall


class _Function(BaseModel):
    name: str | None = None
    arguments: str | None = None


class _ToolCall(BaseModel):
    index: int = 0
    id: str | None = None
    function: _Function | None = None


class _Delta(BaseModel):
    content: str | None = None
    refusal: str | None = None
    tool_calls: list[_ToolCall] | None = None


class _Choice(BaseModel):
    delta: _Delta | None = None
    finish_reason: str | None = None


class _Usage(BaseModel):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None


class _Chunk(BaseModel):
    """A piece of a reply: of what it may hold, what we look at.

    Source: https://platform.openai.com/docs/api-reference/chat-streaming
    """

    choices: list[_Choice] = []
    usage: _Usage | None = None


class _Text:
    """Text that comes in pieces; characters that come in two halves are joined."""

    def __init__(self) -> None:
        self.whole = ""
        self._half = ""

    def add(self, piece: str | None) -> None:
        """Add a piece. Half a character cannot be sent on: without the other it is left out."""
        if not piece:
            return
        piece = self._half + piece
        self._half = piece[-1] if _FIRST_HALVES[0] <= piece[-1] <= _FIRST_HALVES[1] else ""
        piece = piece.removesuffix(self._half)
        if not piece.isascii():
            piece = piece.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        self.whole += piece


_FIRST_HALVES = "\ud800", "\udbff"


@dataclass
class ModelResponse:
    """What the model has said so far."""

    refused: bool = False
    """Whether it said that it will not do this; the text says so in its words."""

    ended: str | None = None
    """Why it ended, in OpenAI's words; None before it has."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    _text: _Text = field(default_factory=_Text)
    _arguments: _Text = field(default_factory=_Text)
    _call_id: str = ""
    _function: str = ""

    @property
    def text(self) -> str:
        """What it says."""
        return self._text.whole

    @property
    def arguments(self) -> str:
        """What it has filled in."""
        return self._arguments.whole

    @property
    def call(self) -> FunctionCall | None:
        """The call that the model wants made, if there is one."""
        return (
            FunctionCall(self._call_id, self._function, self.arguments) if self._function else None
        )

    @property
    def length(self) -> int:
        """How many characters have come."""
        return len(self.text) + len(self.arguments)

    def add(self, piece: object) -> None:
        """Add a piece, as it came. Only the first of several calls counts.

        Raises:
            ValueError: it has not the shape that pieces have.
        """
        chunk = _Chunk.model_validate(piece)
        if chunk.usage is not None:
            self.prompt_tokens = chunk.usage.prompt_tokens or 0
            self.completion_tokens = chunk.usage.completion_tokens or 0
        for choice in chunk.choices[:1]:
            self.ended = choice.finish_reason or self.ended
            self._add(choice.delta or _Delta())

    def _add(self, delta: _Delta) -> None:
        self._text.add(delta.content)
        self._text.add(delta.refusal)
        self.refused = self.refused or bool(delta.refusal)
        for part in delta.tool_calls or ():
            if part.index == 0 and part.function is not None:
                self._call_id = part.id or self._call_id
                self._function = part.function.name or self._function
                self._arguments.add(part.function.arguments)
