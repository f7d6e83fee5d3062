"""`./scripts/rollback`: services back to the revision before, within seconds."""

import argparse
import sys
from collections.abc import Mapping
from functools import cached_property

from rich.console import Console
from rich.table import Table

from scripts.cloud.calls import Calls, FailedCallError
from scripts.cloud.command import RefusedError, carry_out, command_line, confirm
from scripts.cloud.environments import Environment
from scripts.cloud.kept_object import KeptObject
from scripts.local.ports import SERVICES
from scripts.release import history
from scripts.release.revisions import (
    Shares,
    Way,
    revisions,
    shares_of_services,
    way_back,
    way_to,
)

_WHAT_IT_MEANS = """\
A revision is code and settings. Traffic stays with it, whatever else is deployed, until the next
./scripts/deploy, which moves on from there. This does not undo
- what was written to the database: ./scripts/rollback is not a restore;
- what Terraform has set besides: databases, accounts, topics, alerts;
- secrets, which are always the newest: ./scripts/secrets;
- the shares of the old service in the URL map: ./scripts/traffic."""
_EXAMPLES = """\
  ./scripts/rollback --environment prod --dry-run
  ./scripts/rollback --environment prod
  ./scripts/rollback --environment prod users events --yes
  ./scripts/rollback --environment prod chat --to chat-00012-abc"""


def main() -> int:
    """Do what the command line says; return the exit status."""
    options = _options()
    return carry_out(
        options,
        lambda environment, calls, console: _Rollback(
            options, environment, calls, console
        ).carry_out(),
    )


class _Rollback:
    def __init__(
        self, options: argparse.Namespace, environment: Environment, calls: Calls, console: Console
    ) -> None:
        self._options = options
        self._calls = calls
        self._console = console
        self._place = (f"--region={environment.region}", f"--project={environment.project}")
        self._project = environment.project
        self._object = KeptObject(calls, environment, history.FILE)

    def carry_out(self) -> int:
        before = self._shares()
        ways = {name: self._way(name, before[name]) for name in self._names(before)}
        self._console.print(_table(before, ways))
        stuck = bool(self._options.services) and any(way.is_dead_end for way in ways.values())
        targets = {name: way.to for name, way in ways.items() if way.to}
        if not targets:
            self._console.print("nothing to do")
            return int(stuck)
        self._console.print(_WHAT_IT_MEANS)
        confirm(f"Send all traffic of {', '.join(targets)} back?", self._options, self._console)
        failed = [name for name, to in targets.items() if not self._go(name, to)]
        if not self._calls.is_dry:
            self._show_after(list(targets))
        if failed:
            raise RefusedError(f"{', '.join(failed)} did not go back: run it again")
        return int(stuck)

    def _names(self, running: Mapping[str, Shares]) -> list[str]:
        asked_for = self._options.services or self._last_changed(running)
        missing = [name for name in asked_for if name not in running]
        if missing or not running:
            what = " and ".join(missing) or "any service"
            raise RefusedError(f"{self._project} does not run {what}")
        if not asked_for:
            raise RefusedError(f"{self._object.url} knows of no release: name the services")
        return asked_for

    def _last_changed(self, running: Mapping[str, Shares]) -> list[str]:
        """Return the services of the canary that is under way, or else of the last release."""
        in_canary = [name for name in SERVICES if len(running.get(name, ())) > 1]
        if in_canary or not running:
            return in_canary
        newest = next(iter(self._history), {})
        return [name for name in SERVICES if name in newest and name in running]

    @cached_property
    def _history(self) -> list[history.Replaced]:
        try:
            return history.read(self._object.text())
        except (FailedCallError, ValueError) as error:
            raise RefusedError(
                f"{error}\nWhat has served before is in {self._object.url}, which cannot be used. "
                "Without it: ./scripts/rollback --environment "
                f"{self._options.environment} SERVICE --to REVISION"
            ) from None

    def _shares(self) -> dict[str, Shares]:
        return shares_of_services(
            self._calls.read("gcloud", "run", "services", "list", *self._place, "--format=json")
        )

    def _way(self, name: str, shares: Shares) -> Way:
        command = ("gcloud", "run", "revisions", "list", f"--service={name}")
        found = revisions(self._calls.read(*command, *self._place, "--format=json"))
        if not self._options.to:
            # In a canary it is known without.
            have_served = history.served(self._history, name) if len(shares) == 1 else ()
            return way_back(shares, found, have_served)
        try:
            return way_to(self._options.to, shares, found)
        except ValueError as error:
            raise RefusedError(str(error)) from None

    def _go(self, name: str, to: str) -> bool:
        try:
            self._calls.change(
                *("gcloud", "run", "services", "update-traffic", name),
                f"--to-revisions={to}=100",
                *self._place,
            )
        except FailedCallError as error:  # the others still have to go back
            self._console.print(str(error), style="red", markup=False)
            return False
        return True

    def _show_after(self, names: list[str]) -> None:
        after = self._shares()
        table = Table("service", "traffic now")
        for name in names:
            table.add_row(name, _written(after.get(name, {})))
        self._console.print(table)


def _table(before: Mapping[str, Shares], ways: Mapping[str, Way]) -> Table:
    table = Table("service", "from", "to", "")
    for name, way in ways.items():
        table.add_row(name, _written(before[name]), way.to or "stays", way.note)
    return table


def _written(shares: Shares) -> str:
    return ", ".join(f"{name} {percent} %" for name, percent in sorted(shares.items()))


def _service(text: str) -> str:
    if text not in SERVICES:
        raise argparse.ArgumentTypeError(f"{text} is none of {', '.join(SERVICES)}")
    return text


def _options() -> argparse.Namespace:
    parser = command_line(
        "rollback",
        "Send the traffic of services back to the revision before: in a canary to the older of\n"
        "those that share it, else to the newest older one that has served.",
        _EXAMPLES,
    )
    parser.add_argument(
        "services",
        metavar="SERVICE",
        nargs="*",
        type=_service,
        help=f"of {', '.join(SERVICES)} (default: those of the last release)",
    )
    parser.add_argument("--to", metavar="REVISION", help="this revision, of the one SERVICE")
    options = parser.parse_args()
    if options.to and len(options.services) != 1:
        parser.error("--to needs exactly one SERVICE")
    return options


if __name__ == "__main__":
    sys.exit(main())
