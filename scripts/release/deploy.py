"""`./scripts/deploy`: a new version for those who use it, stage by stage."""

import argparse
import sys
from collections.abc import Callable

from rich.console import Console

from scripts.cloud.calls import Calls, ending_as_interrupted
from scripts.cloud.command import RefusedError, carry_out, command_line
from scripts.cloud.environments import Environment
from scripts.release.apply import apply
from scripts.release.canary import canary
from scripts.release.delivery import Delivery
from scripts.release.image import image, package
from scripts.release.plan import foundation, plan
from scripts.release.scan import scan
from scripts.release.smoke import smoke

STAGES: dict[str, tuple[Callable[[Delivery], None], str]] = {
    "package": (package, "what is deployed of each service goes to build/packages/"),
    "scan": (scan, "known holes in the pinned packages are looked for"),
    "image": (image, "the chat's image is built and pushed, unless it is there"),
    "plan": (plan, "Terraform says what it would change, and may not lose data"),
    "apply": (apply, "Terraform makes new revisions, which get no traffic"),
    "smoke": (smoke, "the new revisions are tried at their own addresses"),
    "canary": (canary, "they get 5, 25, 50 % of the traffic and then all, or none if they fail"),
}
BEFORE_ALL = {
    "foundation": (foundation, "the first time: what has to be there before everything else"),
}
_EXAMPLES = """\
  ./scripts/deploy --environment prod --dry-run
  ./scripts/deploy --environment prod
  ./scripts/deploy --environment prod plan
  ./scripts/deploy --environment prod canary --yes"""


def main() -> int:
    """Do what the command line says; return the exit status."""
    ending_as_interrupted()
    options = _options()
    return carry_out(
        options,
        lambda environment, calls, console: _deploy(options, environment, calls, console),
    )


def _deploy(
    options: argparse.Namespace, environment: Environment, calls: Calls, console: Console
) -> int:
    delivery = Delivery(options, environment, calls, console)
    if not (options.stage or options.yes or options.dry_run or sys.stdin.isatty()):
        raise RefusedError("there is no terminal to ask at, and no --yes; nothing was changed")
    if options.dry_run:
        delivery.say(
            "A dry run looks at what runs now, and shows the rest as if all services changed."
        )
    names: list[str] = [options.stage] if options.stage else list(STAGES)
    for name in names:
        stage, what = (STAGES | BEFORE_ALL)[name]
        console.print(f"[bold cyan]{name}[/]: {what}", markup=True)
        stage(delivery)
    delivery.say(_end(delivery, names[-1]))
    return 0


def _end(delivery: Delivery, last: str) -> str:
    """Return what is to be said when the stage `last` is over."""
    if delivery.calls.is_dry:
        return "This was a dry run: nothing was changed."
    if last in BEFORE_ALL:
        secrets = f"./scripts/secrets --environment {delivery.environment.name} set NAME"
        return f"next: {secrets}, for each secret; then {delivery.command()}"
    following = [*STAGES, ""][list(STAGES).index(last) + 1]
    return f"next: {delivery.command(following)}" if following else "The release is complete."


def _options() -> argparse.Namespace:
    stages = "\n".join(f"  {name:<11} {what}" for name, (_, what) in (STAGES | BEFORE_ALL).items())
    parser = command_line(
        "deploy",
        "Bring a new version to those who use it, in stages: all of them, asking before anything\n"
        f"is changed in the project, or one by its name.\n\nstages:\n{stages}",
        _EXAMPLES,
    )
    parser.add_argument("stage", nargs="?", metavar="STAGE", choices=[*STAGES, *BEFORE_ALL])
    parser.add_argument(
        "--allow-destroying",
        action="append",
        default=[],
        metavar="ADDRESS",
        help="plan, apply: let go of this resource, with all that it holds",
    )
    parser.add_argument(
        "--at-once",
        action="store_true",
        help="canary: give the new revisions all of the traffic, and watch nothing",
    )
    _add_seconds(parser, "ready-within-s", 60, "smoke: how long a revision may take to be ready")
    _add_seconds(
        parser,
        "step-s",
        300,
        "canary: how long a share is watched; Cloud Monitoring is late by up to 180",
    )
    _add_seconds(parser, "look-each-s", 30, "canary: how long between two looks")
    return parser.parse_args()


def _add_seconds(parser: argparse.ArgumentParser, name: str, default: float, what: str) -> None:
    parser.add_argument(
        f"--{name}",
        type=_seconds,
        default=default,
        metavar="S",
        help=f"{what} (default: %(default)s)",
    )


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1
    if not 0 <= seconds < float("inf"):
        raise argparse.ArgumentTypeError("no number of seconds")
    return seconds


if __name__ == "__main__":
    sys.exit(main())
