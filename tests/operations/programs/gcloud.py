"""A stand-in for gcloud: the commands that our own use, on a state in a file.

Source: https://cloud.google.com/sdk/gcloud/reference
"""

import sys
from collections.abc import Callable, Mapping
from typing import Any

from tests.operations.programs import (
    cloud_run,
    identity,
    images,
    secrets,
    storage,
    url_maps,
)
from tests.operations.programs.state import remembered

Command = Callable[[dict[str, Any], list[str], Mapping[str, str]], str]
"""Takes the state, what is not a flag, and the flags; returns what is printed."""

COMMANDS: dict[str, Command] = {
    **cloud_run.COMMANDS,
    **identity.COMMANDS,
    **images.COMMANDS,
    **secrets.COMMANDS,
    **storage.COMMANDS,
    **url_maps.COMMANDS,
}


class RefusedError(Exception):
    """What gcloud says on its standard error output, with status 1."""


def parsed(arguments: list[str]) -> tuple[list[str], dict[str, str]]:
    """Return what is not a flag, and the flags, whose values come after `=`."""
    words = [each for each in arguments if not each.startswith("--")]
    pairs = (each[2:].partition("=") for each in arguments if each.startswith("--"))
    return words, {name: value for name, _, value in pairs}


def main() -> int:
    """Do what the command line says."""
    words, flags = parsed(sys.argv[1:])
    line = " ".join(words)
    name = next((each for each in COMMANDS if f"{line} ".startswith(f"{each} ")), None)
    if name is None:
        print(f"ERROR: the stand-in knows no such command: {line}", file=sys.stderr)
        return 2
    with remembered() as state:
        state.setdefault("calls", []).append(["gcloud", *sys.argv[1:]])
        try:
            print(COMMANDS[name](state, words[len(name.split()) :], flags), end="")
        except (KeyError, RefusedError) as error:
            print(f"ERROR: (gcloud.{name.replace(' ', '.')}) {error}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
