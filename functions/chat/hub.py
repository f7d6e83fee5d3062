"""The interface between a connection and a hub."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Method:
    """A method that clients may invoke; `parameters` maps their names to JSON types."""

    run: Callable[..., Awaitable[None]]
    parameters: Mapping[str, type[str] | type[int]]

    def __str__(self) -> str:
        parameters = (f"{name}: {_TYPE_NAMES[kind]}" for name, kind in self.parameters.items())
        return f"({', '.join(parameters)})"

    def accepts(self, arguments: Sequence[object]) -> bool:
        """Whether number and types of the arguments match."""
        kinds = self.parameters.values()
        # The exact type: in Python, true is an instance of int.
        return len(arguments) == len(kinds) and all(
            type(argument) is kind for argument, kind in zip(arguments, kinds, strict=True)
        )


_TYPE_NAMES: Mapping[type, str] = {str: "string", int: "whole number"}


class Hub(Protocol):
    """The methods that one client may invoke. Lives as long as the connection."""

    @property
    def methods(self) -> Mapping[str, Method]:
        """The methods by name. A cancelled one completes without an error."""


class Client(Protocol):
    """The methods of the client, which a hub may invoke."""

    def invoke(self, target: str, argument: object, key: object, /) -> None:
        """Invoke a method, after all previous invocations.

        Replaces an unsent invocation with the same key.
        """
