"""`./scripts/deploy`: releases a new version, stage by stage."""

import argparse
import sys
from collections.abc import Callable

from scripts.cloud.command import command_line, run_command
from scripts.cloud.runner import interrupt_on_sigterm
from scripts.release.apply import apply
from scripts.release.canary import canary
from scripts.release.context import ReleaseContext
from scripts.release.image import image, package
from scripts.release.plan import foundation, plan
from scripts.release.scan import scan
from scripts.release.smoke import smoke

# No stage before `apply` creates a revision, and only the last one moves traffic.
STAGES: dict[str, tuple[Callable[[ReleaseContext], None], str]] = {
    "package": (package, "build the package of each service in build/packages/"),
    "scan": (scan, "check the pinned packages for known vulnerabilities"),
    "image": (image, "build and push the image of the chat, unless it exists"),
    "plan": (plan, "pin the traffic, and show the Terraform plan; refuse to destroy data"),
    "apply": (apply, "apply the plan; new revisions get no traffic"),
    "smoke": (smoke, "test the new revisions at their own addresses"),
    "canary": (canary, "move 5, 25, 50 % of the traffic, then all; move it back on errors"),
}
SETUP_STAGES = {
    "foundation": (foundation, "create the resources that the first release needs"),
}
_EXAMPLES = """\
  ./scripts/deploy --environment prod --dry-run
  ./scripts/deploy --environment prod
  ./scripts/deploy --environment prod plan
  ./scripts/deploy --environment prod canary --yes"""


def main() -> int:
    """Run the command line; return the exit status."""
    interrupt_on_sigterm()
    return run_command(_options(), _deploy, ReleaseContext)


def _deploy(context: ReleaseContext) -> int:
    options = context.options
    # Before the first stage: packages and the image take minutes to build.
    if not (options.stage or options.yes or options.dry_run):
        context.require_terminal()
    if options.dry_run:
        context.print("Dry run: reads the deployed services, and assumes that all services change.")
    names: list[str] = [options.stage] if options.stage else list(STAGES)
    for name in names:
        run, description = (STAGES | SETUP_STAGES)[name]
        context.console.print(f"[bold cyan]{name}[/]: {description}", markup=True)
        run(context)
    context.print(_next_step(context, names[-1]))
    return 0


def _next_step(context: ReleaseContext, last: str) -> str:
    """Return the line to print after the stage `last`."""
    if context.runner.is_dry:
        return "Dry run complete: nothing was changed."
    if last in SETUP_STAGES:
        secrets = f"./scripts/secrets --environment {context.environment.name} set NAME"
        return f"next: {secrets}, for each secret; then {context.stage_command()}"
    following = [*STAGES, ""][list(STAGES).index(last) + 1]
    return f"next: {context.stage_command(following)}" if following else "The release is complete."


def _options() -> argparse.Namespace:
    stages = "\n".join(
        f"  {name:<11} {text}" for name, (_, text) in (STAGES | SETUP_STAGES).items()
    )
    parser = command_line(
        "deploy",
        "Release a new version in stages: all of them, with a confirmation before resources\n"
        f"change, or one by name.\n\nstages:\n{stages}",
        _EXAMPLES,
    )
    parser.add_argument("stage", nargs="?", metavar="STAGE", choices=[*STAGES, *SETUP_STAGES])
    parser.add_argument(
        "--allow-destroying",
        action="append",
        default=[],
        metavar="ADDRESS",
        help="plan: allow the loss of this resource and its content",
    )
    parser.add_argument(
        "--at-once",
        action="store_true",
        help="canary: move all traffic in one step, without a check",
    )
    _add_seconds(parser, "ready-within-s", 60, "smoke: time limit for a revision to be ready")
    _add_seconds(
        parser,
        "step-s",
        300,
        "canary: length of a step; Cloud Monitoring is up to 180 s late",
    )
    _add_seconds(parser, "check-interval-s", 30, "canary: time between two checks")
    return parser.parse_args()


def _add_seconds(
    parser: argparse.ArgumentParser, name: str, default: float, description: str
) -> None:
    parser.add_argument(
        f"--{name}",
        type=_seconds,
        default=default,
        metavar="S",
        help=f"{description} (default: %(default)s)",
    )


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1
    if not 0 <= seconds < float("inf"):
        raise argparse.ArgumentTypeError("not a number of seconds")
    return seconds


if __name__ == "__main__":
    sys.exit(main())
