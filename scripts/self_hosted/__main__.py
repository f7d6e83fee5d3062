"""`./scripts/serve`: the backend of one machine, and the commands for its data."""

import argparse
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from scripts.self_hosted.commands import check, copy, export, import_, restore, serve
from scripts.self_hosted.data_folder import DataFolder
from scripts.self_hosted.errors import CannotServeError


class Command(Protocol):
    """A module in `scripts/self_hosted/commands`."""

    def add_arguments(self, parser: argparse.ArgumentParser, /) -> None:
        """Add the arguments and options of the command."""

    def run(self, folder: DataFolder, options: argparse.Namespace, /) -> None:
        """Run the command."""


COMMANDS: Mapping[str, Command] = {
    "copy": copy,
    "restore": restore,
    "check": check,
    "export": export,
    "import": import_,
}
"""The commands for the data, by their names on the command line."""

# SQLite creates files with the default mode. They contain the password hashes of all users.
_PRIVATE_FILES = 0o077
_INTERRUPTED_STATUS = 130


def main() -> int:
    """Run the command of the command line; return the exit status."""
    options = parse()
    os.umask(_PRIVATE_FILES)
    if options.run is not serve.run:
        # A command that is stopped deletes its temporary files. SIGTERM becomes SIGINT, because
        # asyncio ends its tasks in order only after SIGINT, and only with the default handler.
        # A shell ignores SIGINT for background processes.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    try:
        # An export from Firestore needs no folder.
        options.run(DataFolder(options.data or Path()), options)
    except CannotServeError as error:
        print(f"serve: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("serve: interrupted", file=sys.stderr)
        return _INTERRUPTED_STATUS
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
    parser.set_defaults(run=serve.run, firestore=None)
    if COMMANDS:
        _add_commands(parser)
    options = parser.parse_args()
    if options.data is None and options.firestore is None:
        parser.error("the option --data DIR is missing")
    if options.data is not None and options.firestore is not None:
        parser.error("--data and --firestore are alternatives; choose one")
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
