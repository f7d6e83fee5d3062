"""`./scripts/cleanup`: shows and controls the schedule of the cleanup, and starts runs."""

import argparse
import sys

from rich.console import Console

from scripts.local.emulator import answers
from scripts.local.ports import HOST, Ports, base_port

_COMMANDS = ("status", "run", "pause", "resume")
# The convention of shells: 128 plus the number of SIGINT.
_INTERRUPTED_STATUS = 130

console = Console(highlight=False, soft_wrap=True)


def main() -> int:
    """Run the command line; return the exit status."""
    options = _options()
    fakes = f"{HOST}:{Ports(options.port).fakes}"
    try:
        if not options.project and not answers(fakes):
            console.print(
                f"no response at {fakes}: start ./scripts/dev, or set its port with --port N"
            )
            return 1
        return _run(options)
    except KeyboardInterrupt:
        return _INTERRUPTED_STATUS


def _run(options: argparse.Namespace) -> int:
    # Imported here, in reach of the handler above: the import takes a second, and a Ctrl-C during
    # that time must not print a traceback.
    import httpx  # noqa: PLC0415
    from google.api_core.exceptions import GoogleAPICallError  # noqa: PLC0415
    from google.auth.exceptions import GoogleAuthError  # noqa: PLC0415

    from scripts.admin.deployments import cloud_deployment, local_deployment  # noqa: PLC0415
    from scripts.admin.schedule import Schedule  # noqa: PLC0415
    from shared.errors import DependencyUnavailable  # noqa: PLC0415

    try:
        if options.project:
            deployment = cloud_deployment(options.project, options.location)
        else:
            deployment = local_deployment(Ports(options.port))
        schedule = Schedule(deployment, console)
        commands = (schedule.status, schedule.run, schedule.pause, schedule.resume)
        return dict(zip(_COMMANDS, commands, strict=True))[options.command]()
    except (
        GoogleAPICallError,
        GoogleAuthError,
        DependencyUnavailable,
        httpx.HTTPError,
        OSError,
    ) as error:
        lines = str(error).splitlines() or [type(error).__name__]
        console.print(f"[red]error:[/] {lines[0]}", markup=True)
        return 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="./scripts/cleanup",
        description="Show or control the schedule of the cleanup, or start a run.",
        epilog="Without --project, the cleanup of ./scripts/dev on this machine.",
    )
    parser.add_argument(
        "command",
        choices=_COMMANDS,
        help="status: show the schedule and the last runs; run: start a run and watch it; "
        "pause, resume: stop or restart the schedule",
    )
    parser.add_argument("--project", metavar="P", help="a Google Cloud project")
    parser.add_argument(
        "--location",
        metavar="L",
        default="us-central1",
        help="location of the scheduler job (default: %(default)s)",
    )
    parser.add_argument(
        "--port",
        metavar="N",
        type=base_port,
        default=Ports.base,
        help="first port of ./scripts/dev (default: %(default)s)",
    )
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
