"""`./scripts/cleanup`: the schedule of the cleanup, what its runs did, and a run right now."""

import argparse
import sys

from rich.console import Console

from scripts.local.emulator import answers
from scripts.local.ports import HOST, Ports, base_port

_COMMANDS = ("status", "run", "pause", "resume")
_INTERRUPTED = 130

console = Console(highlight=False, soft_wrap=True)


def main() -> int:
    """Do what the command line says; return the exit status."""
    options = _options()
    fakes = f"{HOST}:{Ports(options.port).fakes}"
    try:
        if not options.project and not answers(fakes):
            console.print(
                f"nothing answers at {fakes}: start ./scripts/dev, or give its port by --port N"
            )
            return 1
        return _do(options)
    except KeyboardInterrupt:
        return _INTERRUPTED


def _do(options: argparse.Namespace) -> int:
    # Google's libraries take a second to load, in which Ctrl-C may come.
    from google.api_core.exceptions import GoogleAPICallError  # noqa: PLC0415
    from google.auth.exceptions import GoogleAuthError  # noqa: PLC0415

    from scripts.admin.places import on_google_cloud, on_this_machine  # noqa: PLC0415
    from scripts.admin.schedule import Schedule  # noqa: PLC0415
    from shared.errors import DependencyUnavailable  # noqa: PLC0415

    try:
        if options.project:
            place = on_google_cloud(options.project, options.location)
        else:
            place = on_this_machine(Ports(options.port))
        schedule = Schedule(place, console)
        commands = (schedule.status, schedule.run, schedule.pause, schedule.resume)
        return dict(zip(_COMMANDS, commands, strict=True))[options.command]()
    except (GoogleAPICallError, GoogleAuthError, DependencyUnavailable, OSError) as error:
        lines = str(error).splitlines() or [type(error).__name__]
        console.print(f"[red]that did not work:[/] {lines[0]}", markup=True)
        return 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="./scripts/cleanup",
        description="The schedule of the cleanup, what its runs did, and a run right now.",
        epilog="Without --project it is the cleanup of ./scripts/dev on this machine.",
    )
    parser.add_argument(
        "command",
        choices=_COMMANDS,
        help="status: the schedule and the last runs; run: clean up now, and watch; "
        "pause, resume: the schedule",
    )
    parser.add_argument("--project", metavar="P", help="a project on Google Cloud")
    parser.add_argument(
        "--location", metavar="L", default="us-central1", help="of its job (default: %(default)s)"
    )
    parser.add_argument(
        "--port",
        metavar="N",
        type=base_port,
        default=Ports.base,
        help="as given to ./scripts/dev (default: %(default)s)",
    )
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
