"""Shared parts of the commands that work on an environment: options, confirmation, exit status."""

import argparse
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from rich.console import Console
from rich.markup import escape

from scripts.cloud.environments import Environment, add_arguments, read_environment
from scripts.cloud.runner import CommandFailedError, CommandRunner

# The convention of shells: 128 plus the number of SIGINT.
_INTERRUPTED_STATUS = 130


class RefusedError(Exception):
    """The command does not continue; the message has the reason and the next step."""


@dataclass(frozen=True)
class CommandContext:
    """Everything that a command needs."""

    options: argparse.Namespace
    environment: Environment
    runner: CommandRunner
    console: Console

    @property
    def project_flag(self) -> str:
        """Project, for gcloud."""
        return f"--project={self.environment.project}"

    def print(self, text: str, style: str | None = None) -> None:
        """Print a text literally, without the markup of `rich`."""
        self.console.print(text, style=style, markup=False)

    def confirm(self, question: str) -> None:
        """Ask for confirmation, unless `--yes` or `--dry-run` is set.

        Raises:
            RefusedError: the answer is no, or there is no terminal.
        """
        # Printed in a dry run too, so that its output shows every step in order.
        if self.options.dry_run:
            self.print(f"{question} (not asked in a dry run)")
            return
        if self.options.yes:
            return
        self.require_terminal()
        try:
            answer = input(f"{question} [y/N] ")
        except EOFError:
            answer = ""
        if answer.strip().lower() not in {"y", "yes"}:
            raise RefusedError("not confirmed; nothing was changed")

    def require_terminal(self) -> None:
        """Refuse to continue if no operator can confirm.

        Raises:
            RefusedError: standard input is not a terminal.
        """
        if not sys.stdin.isatty():
            raise RefusedError("no terminal for the confirmation and no --yes; nothing was changed")


Context = TypeVar("Context", bound=CommandContext)


def command_line(name: str, description: str, examples: str) -> argparse.ArgumentParser:
    """Return a parser with the common options; the command adds its own arguments."""
    parser = argparse.ArgumentParser(
        prog=f"./scripts/{name}",
        description=description,
        epilog=f"examples:\n{examples}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_arguments(parser)
    parser.add_argument("--yes", action="store_true", help="do not ask for confirmation")
    return parser


def run_command(
    options: argparse.Namespace, run: Callable[[Context], int], context_type: type[Context]
) -> int:
    """Run a command on its environment; return the exit status.

    Args:
        options: from a `command_line` parser.
        run: returns an exit status, or raises `RefusedError` or `CommandFailedError`.
        context_type: the type of the context that `run` takes.
    """
    # No wrapped lines: a printed command must stay one line to be copied.
    console = Console(highlight=False, soft_wrap=True)
    try:
        runner = CommandRunner(console, dry=options.dry_run)
        return run(context_type(options, _environment(options.environment), runner, console))
    except (CommandFailedError, RefusedError) as error:
        console.print(f"[red]error:[/] {escape(str(error))}", markup=True)
        return 1
    except KeyboardInterrupt:
        console.print("interrupted; run the same command again to continue")
        return _INTERRUPTED_STATUS


def _environment(name: str) -> Environment:
    try:
        return read_environment(name)
    except ValueError as error:
        raise RefusedError(str(error)) from None
