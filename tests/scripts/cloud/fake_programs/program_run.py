"""One run of a fake program."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

State = dict[str, Any]


class ProgramFailedError(Exception):
    """The program fails with status 1.

    Args:
        stderr: its standard error output.
        stdout: its standard output.
    """

    def __init__(self, stderr: str, stdout: str = "") -> None:
        super().__init__(stderr)
        self.stdout = stdout


@dataclass(frozen=True)
class ProgramRun:
    """Arguments and standard input of a run."""

    arguments: list[str]
    stdin: bytes = b""
    wait_for_signal: Callable[[], object] = lambda: None
    """Returns when a signal has ended the program."""

    @property
    def words(self) -> list[str]:
        """The arguments without flags."""
        return [each for each in self.arguments if not each.startswith("--")]

    @property
    def flags(self) -> dict[str, str]:
        """The flags, with the value after `=`."""
        pairs = (each[2:].partition("=") for each in self.arguments if each.startswith("--"))
        return {name: value for name, _, value in pairs}


Program = Callable[[State, ProgramRun], str]
"""Takes the state and a run; returns the standard output, or raises `ProgramFailedError`.

Commands of gcloud raise `KeyError` instead, which becomes an error with the name of the command.
"""
