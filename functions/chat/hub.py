"""What a connection needs to know of a hub: its methods, by name."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True)
class Method:
    """A method that clients may call; `takes` has its parameters' names and JSON types."""

    run: Callable[..., Awaitable[None]]
    takes: Mapping[str, type[str] | type[int]]

    def __str__(self) -> str:
        parameters = (f"{name}: {_IN_WORDS[kind]}" for name, kind in self.takes.items())
        return f"({', '.join(parameters)})"

    def accepts(self, arguments: Sequence[Any]) -> bool:
        """Whether number and types are right; true is no number here."""
        kinds = self.takes.values()
        return len(arguments) == len(kinds) and all(
            type(argument) is kind for argument, kind in zip(arguments, kinds, strict=True)
        )


_IN_WORDS: Mapping[type, str] = {str: "string", int: "whole number"}


class Hub(Protocol):
    """What one client may call; it lives as long as the connection."""

    @property
    def methods(self) -> Mapping[str, Method]:
        """Its methods. One that is cancelled completes without an error."""


class Client(Protocol):
    """What a hub may call: the methods of its client."""

    def call(self, target: str, argument: Any, key: object, /) -> None:  # noqa: ANN401 - JSON
        """Call a method, after all calls before it.

        A call with the same key that was not sent yet is removed.
        """
