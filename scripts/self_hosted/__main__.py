"""`./scripts/serve`: the backend of one machine, and the commands for its data."""

import argparse
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

from scripts.self_hosted.commands import serve
from scripts.self_hosted.data_folder import DataFolder
from scripts.self_hosted.errors import CannotServeError


class Command(Protocol):
    """A module in `scripts/self_hosted/commands`."""

    __doc__: str | None
    add_arguments: Callable[[argparse.ArgumentParser], None]
    run: Callable[[DataFolder, argparse.Namespace], None]


COMMANDS: Mapping[str, Command] = {}
"""The commands for the data, by their names on the command line."""


def main() -> int:
    """Run the command of the command line; return the exit status."""
    options = parse()
    try:
        options.run(DataFolder(options.data), options)
    except CannotServeError as error:
        print(f"serve: {error}", file=sys.stderr)
        return 1
    return 0


def parse() -> argparse.Namespace:
    """Return the options, with `run`: the function of the command."""
    parser = argparse.ArgumentParser(
        prog="./scripts/serve",
        description="Serve the backend from one folder on this machine, or work on its data.",
        epilog="The first start writes DIR/settings.env, which has all settings.",
    )
    parser.add_argument("--data", type=Path, metavar="DIR", help="the folder with all data")
    serve.add_arguments(parser)
    parser.set_defaults(run=serve.run)
    if COMMANDS:
        _add_commands(parser)
    options = parser.parse_args()
    if options.data is None:
        parser.error("the option --data DIR is missing")
    return options


def _add_commands(parser: argparse.ArgumentParser) -> None:
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    for name, command in COMMANDS.items():
        help_text = (command.__doc__ or "").partition("\n")[0]
        own = commands.add_parser(name, help=help_text, description=help_text)
        # No default: `--data` may also come before the command.
        own.add_argument(
            "--data", type=Path, metavar="DIR", default=argparse.SUPPRESS, help="the data folder"
        )
        command.add_arguments(own)
        own.set_defaults(run=command.run)


if __name__ == "__main__":
    sys.exit(main())
