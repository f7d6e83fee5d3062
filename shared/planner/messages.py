"""The messages of a conversation with a language model, independent of its API; pure."""

from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

from pydantic import BaseModel

Arguments = TypeVar("Arguments", bound=BaseModel)


@dataclass(frozen=True)
class Function(Generic[Arguments]):
    """A function that the model may call. The fields of a schema are its parameters."""

    name: str
    description: str
    parameters: type[Arguments]


@dataclass(frozen=True)
class FunctionCall:
    """A function call of the model. The arguments are unchecked text."""

    id: str
    function: str
    arguments: str


@dataclass(frozen=True)
class Message:
    """One message. A message of the role `tool` is the response to `call`."""

    role: Literal["system", "user", "assistant", "tool"]
    text: str
    call: FunctionCall | None = None
    full_length: int = 0
    """The length before the end was left out: characters of the text, or sessions of the plan in
    the arguments of `call`. 0: nothing was left out."""
