"""What the commands on an environment have in common: how they ask, and how they end."""

import argparse
import sys
from collections.abc import Callable

from rich.console import Console
from rich.markup import escape

from scripts.cloud.calls import Calls, FailedCallError
from scripts.cloud.environments import Environment, add_arguments, environment

_INTERRUPTED = 130


class RefusedError(Exception):
    """What was asked for is not done; the message says why, and what helps."""


def command_line(name: str, description: str, examples: str) -> argparse.ArgumentParser:
    """Return the command line that a command adds its own arguments to."""
    parser = argparse.ArgumentParser(
        prog=f"./scripts/{name}",
        description=description,
        epilog=f"examples:\n{examples}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_arguments(parser)
    parser.add_argument("--yes", action="store_true", help="do not ask")
    return parser


def carry_out(options: argparse.Namespace, do: Callable[[Environment, Calls, Console], int]) -> int:
    """Do what the command line says; return the exit status.

    Args:
        options: of a `command_line`.
        do: shows all on the console; returns an exit status, or raises `RefusedError` or
            `FailedCallError`.
    """
    console = Console(highlight=False, soft_wrap=True)
    try:
        return do(_environment(options.environment), Calls(console, dry=options.dry_run), console)
    except (FailedCallError, RefusedError) as error:
        console.print(f"[red]that did not work:[/] {escape(str(error))}", markup=True)
        return 1
    except KeyboardInterrupt:
        console.print("interrupted; the same command goes on from here")
        return _INTERRUPTED


def confirm(question: str, options: argparse.Namespace, console: Console) -> None:
    """Ask whether to go on, unless the command line says that nobody is to be asked.

    Raises:
        RefusedError: the answer is no, or there is nobody to ask.
    """
    if options.dry_run:
        console.print(f"{question} (this is what would be asked)")
        return
    if options.yes:
        return
    if not sys.stdin.isatty():
        raise RefusedError("there is no terminal to ask at, and no --yes; nothing was changed")
    try:
        answer = input(f"{question} [y/N] ")
    except EOFError:
        answer = ""
    if answer.strip().lower() not in {"y", "yes"}:
        raise RefusedError("the answer was no; nothing was changed")


def _environment(name: str) -> Environment:
    try:
        return environment(name)
    except ValueError as error:
        raise RefusedError(str(error)) from None
