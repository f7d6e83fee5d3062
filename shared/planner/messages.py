"""What is said in a conversation with a language model, in words of our own; pure."""

from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

from pydantic import BaseModel

Form = TypeVar("Form", bound=BaseModel)


@dataclass(frozen=True)
class Function(Generic[Form]):
    """A function that the model may call; its parameters are the fields of a schema."""

    name: str
    purpose: str
    parameters: type[Form]


@dataclass(frozen=True)
class FunctionCall:
    """The model's wish to call a function; the arguments are whatever text it wrote."""

    id: str
    function: str
    arguments: str


@dataclass(frozen=True)
class Message:
    """One message. One by `tool` answers a call."""

    by: Literal["system", "user", "assistant", "tool"]
    text: str
    call: FunctionCall | None = None
