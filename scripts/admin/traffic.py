"""`./scripts/traffic`: how much of each family's traffic the new service gets, and the old one."""

import argparse
import sys
from collections.abc import Collection, Mapping

import yaml
from rich.console import Console
from rich.table import Table

from scripts.admin import traffic_split, url_map
from scripts.cloud.calls import Calls, FailedCallError
from scripts.cloud.command import RefusedError, carry_out, command_line, confirm
from scripts.cloud.environments import Environment
from scripts.cloud.kept_object import KeptObject, Version

_URL_MAP = "liftlog"
_EXAMPLES = """\
  ./scripts/traffic --environment prod
  ./scripts/traffic --environment prod ai 10 --dry-run
  ./scripts/traffic --environment prod ai 10
  ./scripts/traffic --environment prod all 100
  ./scripts/traffic --environment prod all 0 --yes"""


def main() -> int:
    """Do what the command line says; return the exit status."""
    options = _options()
    return carry_out(
        options,
        lambda environment, calls, console: _Traffic(
            options, environment, calls, console
        ).carry_out(),
    )


class _Traffic:
    def __init__(
        self, options: argparse.Namespace, environment: Environment, calls: Calls, console: Console
    ) -> None:
        self._options = options
        self._calls = calls
        self._console = console
        self._project = f"--project={environment.project}"
        self._object = KeptObject(calls, environment, "traffic.json")

    def carry_out(self) -> int:
        if self._options.family is None:
            wanted = self._shares(self._object.text())
            self._console.print(_table(url_map.in_force(self._url_map()), wanted))
            return 0
        asked_for = _asked_for(self._options)
        before = self._object.version()
        wanted = self._shares(before.text) | asked_for
        found = self._url_map()
        _changed(found, asked_for)
        self._console.print(_table(url_map.in_force(found), wanted, asked_for))
        if (warning := traffic_split.warning(wanted, asked_for)) is not None:
            self._console.print(warning, style="yellow")
        percent = self._options.percent
        question = f"Give the new service {percent} % of {', '.join(asked_for)}?"
        confirm(question, self._options, self._console)
        self._write(wanted, before)
        self._import(asked_for)
        if not self._calls.is_dry:
            self._check(wanted, asked_for)
        return 0

    def _write(self, wanted: traffic_split.Shares, before: Version) -> None:
        text = traffic_split.written(wanted)
        self._object.replace(before, text)
        self._console.print(f"  (that is {text.strip()})", style="dim", markup=False)

    def _import(self, asked_for: traffic_split.Shares) -> None:
        # gcloud replaces the fingerprint of what it is given by the newest, so nothing would keep
        # us from undoing what others did since we looked: look again, right before.
        try:
            text = yaml.safe_dump(_changed(self._url_map(), asked_for), sort_keys=True)
            command = ("gcloud", "compute", "url-maps", "import", _URL_MAP, "--global")
            self._calls.change(*command, self._project, "--quiet", takes=text)
            self._console.print("  (that is what was exported, with the new weights)", style="dim")
        except (FailedCallError, RefusedError) as error:
            raise RefusedError(f"{error}\n{self._half_done()}") from None

    def _check(self, wanted: traffic_split.Shares, asked_for: traffic_split.Shares) -> None:
        now = url_map.in_force(self._url_map())
        self._console.print(_table(now, wanted))
        if any(now.get(family) != {percent} for family, percent in asked_for.items()):
            raise RefusedError(f"the URL map was changed at the same time\n{self._half_done()}")
        self._console.print("It takes about a minute until all of Google's front ends follow.")

    def _half_done(self) -> str:
        family, percent = self._options.family, self._options.percent
        environment = self._options.environment
        return (
            f"{self._object.url} and the URL map differ now. The same command again mends it:\n"
            f"  ./scripts/traffic --environment {environment} {family} {percent}"
        )

    def _shares(self, text: str) -> dict[str, int]:
        try:
            return traffic_split.read(text)
        except ValueError as error:
            raise RefusedError(f"{self._object.url} cannot be used: {error}") from None

    def _url_map(self) -> url_map.UrlMap:
        command = ("gcloud", "compute", "url-maps", "export", _URL_MAP, "--global")
        found: url_map.UrlMap = yaml.safe_load(self._calls.read(*command, self._project))
        return found


def _asked_for(options: argparse.Namespace) -> dict[str, int]:
    try:
        return traffic_split.chosen(options.family, options.percent)
    except ValueError as error:
        raise RefusedError(str(error)) from None


def _changed(found: url_map.UrlMap, asked_for: traffic_split.Shares) -> url_map.UrlMap:
    try:
        return url_map.with_shares(found, asked_for)
    except ValueError as error:
        raise RefusedError(str(error)) from None


def _table(
    now: Mapping[str, set[int]], wanted: traffic_split.Shares, asked_for: Collection[str] = ()
) -> Table:
    table = Table("family", "new, in force", "new, wanted", "")
    for family in traffic_split.FAMILIES:
        percents = now.get(family, set())
        in_force = ", ".join(f"{percent} %" for percent in sorted(percents)) or "not there"
        note = "changes" if family in asked_for else "differs"
        if percents == {wanted[family]}:
            note = ""
        table.add_row(family, in_force, f"{wanted[family]} %", note)
    return table


def _percent(text: str) -> int:
    percent = int(text) if text.isdecimal() else -1
    if not 0 <= percent <= traffic_split.WHOLE:
        raise argparse.ArgumentTypeError("not a whole number from 0 to 100")
    return percent


def _options() -> argparse.Namespace:
    parser = command_line(
        "traffic",
        "Show how much of each family's traffic the new service gets, or change it: at once in\n"
        "the balancer's URL map, and where Terraform takes it from. The old service gets the rest.",
        _EXAMPLES,
    )
    parser.add_argument(
        "family",
        metavar="FAMILY",
        nargs="?",
        choices=(*traffic_split.FAMILIES, traffic_split.ALL),
        help=f"of {', '.join(traffic_split.FAMILIES)}, or {traffic_split.ALL}",
    )
    parser.add_argument(
        "percent", metavar="PERCENT", nargs="?", type=_percent, help="0 to 100; chat: 0 or 100"
    )
    options = parser.parse_args()
    if options.family and options.percent is None:
        parser.error("FAMILY needs a PERCENT")
    return options


if __name__ == "__main__":
    sys.exit(main())
