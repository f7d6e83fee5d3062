"""A reply of the language model while it grows, piece by piece; pure."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.planner.messages import Call

if TYPE_CHECKING:
    from openai.types.chat import ChatCompletionChunk


@dataclass
class Reply:
    """What the model has said so far."""

    text: str = ""
    arguments: str = ""
    refused: bool = False
    """Whether it said that it will not do this."""

    ended: str | None = None
    """Why it ended, in OpenAI's words; None before it has."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    _call_id: str = ""
    _function: str = ""

    @property
    def call(self) -> Call | None:
        """The call that the model wants made, if there is one."""
        return Call(self._call_id, self._function, self.arguments) if self._function else None

    @property
    def length(self) -> int:
        """How many characters have come."""
        return len(self.text) + len(self.arguments)

    def add(self, chunk: "ChatCompletionChunk") -> None:
        """Add a piece. Only the first of several calls counts.

        Source: https://platform.openai.com/docs/api-reference/chat-streaming
        """
        if chunk.usage is not None:
            self.prompt_tokens = chunk.usage.prompt_tokens or 0
            self.completion_tokens = chunk.usage.completion_tokens or 0
        for choice in chunk.choices[:1]:
            self.ended = choice.finish_reason or self.ended
            self.text += choice.delta.content or ""
            self.refused = self.refused or bool(choice.delta.refusal)
            for part in choice.delta.tool_calls or ():
                if part.index == 0 and part.function is not None:
                    self._call_id = part.id or self._call_id
                    self._function = part.function.name or self._function
                    self.arguments += part.function.arguments or ""
