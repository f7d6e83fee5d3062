"""The response of the language model while it arrives in chunks; pure."""

from collections.abc import Mapping
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
    """The fields of a chunk that this module reads.

    Source: https://platform.openai.com/docs/api-reference/chat-streaming
    """

    choices: list[_Choice] = []
    usage: _Usage | None = None


_FIRST_HIGH_SURROGATE, _LAST_HIGH_SURROGATE = "\ud800", "\udbff"


class _Text:
    """Joins text whose surrogate pairs may be split between two parts."""

    def __init__(self) -> None:
        self.length = 0
        self._joined = ""
        # Joined on demand: adding each part to a long text would copy the text each time.
        self._parts: list[str] = []
        self._high_surrogate = ""

    @property
    def complete(self) -> str:
        """The text so far. Costs time in proportion to its length if a part is new."""
        if self._parts:
            self._joined = "".join((self._joined, *self._parts))
            self._parts.clear()
        return self._joined

    def add(self, part: str | None) -> None:
        """Add a part. A high surrogate at its end waits for the next part, or is dropped."""
        if not part:
            return
        part = self._high_surrogate + part
        is_split = _FIRST_HIGH_SURROGATE <= part[-1] <= _LAST_HIGH_SURROGATE
        self._high_surrogate = part[-1] if is_split else ""
        part = part.removesuffix(self._high_surrogate)
        if not part.isascii():
            # UTF-8 cannot encode lone surrogates.
            part = part.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        self._parts.append(part)
        self.length += len(part)


@dataclass
class ModelResponse:
    """The response so far."""

    is_refusal: bool = False
    """Whether the model refuses the request. The text is then the refusal."""

    finish_reason: str | None = None
    """OpenAI's reason for the end; None before the end."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    _text: _Text = field(default_factory=_Text)
    _arguments: _Text = field(default_factory=_Text)
    _call_id: str = ""
    _function: str = ""

    @property
    def text(self) -> str:
        """The text for the user."""
        return self._text.complete

    @property
    def arguments(self) -> str:
        """The arguments of the function call."""
        return self._arguments.complete

    @property
    def call(self) -> FunctionCall | None:
        """The function call, if there is one."""
        return (
            FunctionCall(self._call_id, self._function, self.arguments) if self._function else None
        )

    @property
    def text_length(self) -> int:
        """The number of characters of the text."""
        return self._text.length

    @property
    def arguments_length(self) -> int:
        """The number of characters of the arguments. Cheaper than the arguments themselves."""
        return self._arguments.length

    @property
    def usage(self) -> Mapping[str, int]:
        """The numbers of tokens, by the names of the log fields."""
        return {"prompt_tokens": self.prompt_tokens, "completion_tokens": self.completion_tokens}

    def add(self, chunk: object) -> None:
        """Add a parsed chunk. Ignores all function calls but the first.

        Raises:
            ValueError: a field has the wrong type.
        """
        found = _Chunk.model_validate(chunk)
        if found.usage is not None:
            self.prompt_tokens = found.usage.prompt_tokens or 0
            self.completion_tokens = found.usage.completion_tokens or 0
        # The request asks for one choice, and some servers send several.
        for choice in found.choices[:1]:
            self.finish_reason = choice.finish_reason or self.finish_reason
            self._add_delta(choice.delta or _Delta())

    def _add_delta(self, delta: _Delta) -> None:
        self._text.add(delta.content)
        self._text.add(delta.refusal)
        self.is_refusal = self.is_refusal or bool(delta.refusal)
        for part in delta.tool_calls or ():
            if part.index == 0 and part.function is not None:
                self._call_id = part.id or self._call_id
                self._function = part.function.name or self._function
                self._arguments.add(part.function.arguments)
