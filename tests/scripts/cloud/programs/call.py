"""One call of a fake program."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

State = dict[str, Any]


class RefusedError(Exception):
    """The program fails with status 1.

    Args:
        message: for its standard error output.
        printed: its standard output.
    """

    def __init__(self, message: str, printed: str = "") -> None:
        super().__init__(message)
        self.printed = printed


@dataclass(frozen=True)
class Call:
    """The arguments of a call, and its standard input."""

    arguments: list[str]
    given: bytes = b""
    until_ended: Callable[[], object] = lambda: None
    """Returns when a signal has ended the program."""

    @property
    def words(self) -> list[str]:
        """The arguments that are not flags."""
        return [each for each in self.arguments if not each.startswith("--")]

    @property
    def flags(self) -> dict[str, str]:
        """The flags; a value comes after `=`."""
        pairs = (each[2:].partition("=") for each in self.arguments if each.startswith("--"))
        return {name: value for name, _, value in pairs}


Command = Callable[[State, Call], str]
"""Takes the state and a call; returns the standard output, or raises `RefusedError`."""
