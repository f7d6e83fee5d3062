"""`./scripts/rollback`: moves the traffic of services to the previous revision, in seconds."""

import argparse
import sys
from collections.abc import Mapping
from functools import cached_property

from rich.table import Table

from scripts.cloud.command import RefusedError, command_line, run_command
from scripts.cloud.runner import CommandFailedError
from scripts.cloud.stored_object import StoredObject
from scripts.local.ports import SERVICES
from scripts.release import previous_revisions
from scripts.release.context import ReleaseContext
from scripts.release.previous_revisions import ReplacedRevisions
from scripts.release.revisions import (
    RevisionTraffic,
    RollbackChoice,
    choose_named,
    choose_previous,
    read_revisions,
)

_SCOPE = """\
A revision is code and settings. The traffic stays on it until the next ./scripts/deploy, which
tests the newer revision again. A rollback does not undo
- data in the database: see the backups;
- other resources of Terraform: databases, accounts, topics, alerts;
- secrets, which always have their newest version: ./scripts/secrets;
- the traffic split between the new and the old service: ./scripts/traffic."""
_EXAMPLES = """\
  ./scripts/rollback --environment prod --dry-run
  ./scripts/rollback --environment prod
  ./scripts/rollback --environment prod users events --yes
  ./scripts/rollback --environment prod chat --to chat-00012-abc"""


def main() -> int:
    """Run the command line; return the exit status."""
    return run_command(_options(), lambda context: _Rollback(context).run(), ReleaseContext)


class _Rollback:
    def __init__(self, context: ReleaseContext) -> None:
        self._context = context
        self._options = context.options
        name = previous_revisions.OBJECT_NAME
        self._stored = StoredObject(context.runner, context.environment, name)

    def run(self) -> int:
        before = self._read_traffic()
        choices = {name: self._choose(name, before[name]) for name in self._names(before)}
        self._context.console.print(_table(before, choices))
        # Without names, a service that has nothing to return to is normal.
        is_failure = bool(self._options.services) and any(c.is_failure for c in choices.values())
        targets = {name: choice.revision for name, choice in choices.items() if choice.revision}
        if not targets:
            self._context.console.print("nothing to do")
            return int(is_failure)
        self._context.console.print(_SCOPE)
        self._context.confirm(f"Move all traffic of {', '.join(targets)}?")
        failed = [name for name, to in targets.items() if not self._move(name, to)]
        # Read again instead of assumed: the operator needs the facts during an incident.
        if not self._context.runner.is_dry:
            self._show_result(list(targets))
        if failed:
            raise RefusedError(f"{', '.join(failed)} not moved: run this command again")
        return int(is_failure)

    def _names(self, deployed: Mapping[str, RevisionTraffic]) -> list[str]:
        # By default only services of the last release: others may have served for months.
        names = self._options.services or self._last_changed(deployed)
        missing = [name for name in names if name not in deployed]
        if missing or not deployed:
            services = " and ".join(missing) or "any service"
            raise RefusedError(f"{self._context.environment.project} does not run {services}")
        if not names:
            raise RefusedError(f"{self._stored.url} lists no release: name the services")
        return names

    def _last_changed(self, deployed: Mapping[str, RevisionTraffic]) -> list[str]:
        """Return the services of the current canary, or else of the last release."""
        in_canary = [name for name in SERVICES if len(deployed.get(name, ())) > 1]
        if in_canary or not deployed:
            return in_canary
        newest = next(iter(self._history), {})
        return [name for name in SERVICES if name in newest and name in deployed]

    @cached_property
    def _history(self) -> list[ReplacedRevisions]:
        try:
            return previous_revisions.parse_history(self._stored.read_text())
        except (CommandFailedError, ValueError) as error:
            raise RefusedError(
                f"{error}\n{self._stored.url}, with the previous revisions, cannot be read. "
                "Without it, name a revision: ./scripts/rollback --environment "
                f"{self._options.environment} SERVICE --to REVISION"
            ) from None

    def _read_traffic(self) -> dict[str, RevisionTraffic]:
        return {name: service.traffic for name, service in self._context.services().items()}

    def _choose(self, name: str, traffic: RevisionTraffic) -> RollbackChoice:
        command = ("gcloud", "run", "revisions", "list", f"--service={name}")
        found = read_revisions(
            self._context.runner.read(*command, *self._context.location_flags, "--format=json")
        )
        if not self._options.to:
            # A canary needs no history: its rollback works even if the object is unreadable.
            is_canary = len(traffic) != 1
            served = () if is_canary else previous_revisions.served_revisions(self._history, name)
            return choose_previous(traffic, found, served)
        try:
            return choose_named(self._options.to, traffic, found)
        except ValueError as error:
            raise RefusedError(str(error)) from None

    def _move(self, name: str, to: str) -> bool:
        try:
            self._context.update_traffic(name, f"--to-revisions={to}=100")
        except CommandFailedError as error:  # the other services still have to move
            self._context.print(str(error), style="red")
            return False
        return True

    def _show_result(self, names: list[str]) -> None:
        after = self._read_traffic()
        table = Table("service", "traffic now")
        for name in names:
            table.add_row(name, _format(after.get(name, {})))
        self._context.console.print(table)


def _table(before: Mapping[str, RevisionTraffic], choices: Mapping[str, RollbackChoice]) -> Table:
    table = Table("service", "from", "to", "")
    for name, choice in choices.items():
        table.add_row(name, _format(before[name]), choice.revision or "unchanged", choice.note)
    return table


def _format(traffic: RevisionTraffic) -> str:
    return ", ".join(f"{name} {percent} %" for name, percent in sorted(traffic.items()))


def _service(text: str) -> str:
    if text not in SERVICES:
        raise argparse.ArgumentTypeError(f"{text} is not one of {', '.join(SERVICES)}")
    return text


def _options() -> argparse.Namespace:
    parser = command_line(
        "rollback",
        "Move all traffic of services to the previous revision: during a canary to the oldest\n"
        "revision with traffic, otherwise to the newest older revision that has served.",
        _EXAMPLES,
    )
    parser.add_argument(
        "services",
        metavar="SERVICE",
        nargs="*",
        type=_service,
        help=f"of {', '.join(SERVICES)} (default: the services of the last release)",
    )
    parser.add_argument("--to", metavar="REVISION", help="a revision, for exactly one SERVICE")
    options = parser.parse_args()
    if options.to and len(options.services) != 1:
        parser.error("--to needs exactly one SERVICE")
    return options


if __name__ == "__main__":
    sys.exit(main())
