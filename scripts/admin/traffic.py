"""`./scripts/traffic`: shows and changes the traffic split between the new and the old service."""

import argparse
import sys
from collections.abc import Collection, Mapping

import yaml
from rich.table import Table

from scripts.admin import traffic_split, url_map
from scripts.admin.traffic_split import TrafficSplit
from scripts.cloud.command import CommandContext, RefusedError, command_line, run_command
from scripts.cloud.runner import CommandFailedError
from scripts.cloud.stored_object import ObjectVersion, StoredObject

_URL_MAP = "liftlog"
_EXAMPLES = """\
  ./scripts/traffic --environment prod
  ./scripts/traffic --environment prod ai 10 --dry-run
  ./scripts/traffic --environment prod ai 10
  ./scripts/traffic --environment prod all 100
  ./scripts/traffic --environment prod all 0 --yes"""


def main() -> int:
    """Run the command line; return the exit status."""
    return run_command(_options(), lambda context: _Traffic(context).run(), CommandContext)


class _Traffic:
    def __init__(self, context: CommandContext) -> None:
        self._context = context
        self._options = context.options
        self._runner = context.runner
        self._console = context.console
        self._project = context.project_flag
        self._stored = StoredObject(context.runner, context.environment, "traffic.json")

    def run(self) -> int:
        if self._options.family is None:
            configured = self._parse(self._stored.read_text())
            self._console.print(_table(url_map.read_percents(self._export()), configured))
            return 0
        requested = _requested(self._options)
        before = self._stored.read_version()
        configured = self._parse(before.text) | requested
        found = self._export()
        _with_split(found, requested)  # refuses before the confirmation
        self._console.print(_table(url_map.read_percents(found), configured, requested))
        if (risk := traffic_split.find_risk(configured, requested)) is not None:
            self._console.print(risk, style="yellow")
        percent = self._options.percent
        self._context.confirm(f"Send {percent} % of {', '.join(requested)} to the new service?")
        # The object first: after a failure between the two, Terraform applies the configured split.
        self._store(configured, before)
        self._import(requested)
        if not self._runner.is_dry:
            self._check(configured, requested)
        return 0

    def _store(self, configured: TrafficSplit, before: ObjectVersion) -> None:
        text = traffic_split.format_split(configured)
        self._stored.replace(before, text)
        self._console.print(f"  (content: {text.strip()})", style="dim", markup=False)

    def _import(self, requested: TrafficSplit) -> None:
        # Exported again, right before the import: gcloud replaces the fingerprint with the newest
        # one, so a concurrent change would not be refused but undone.
        try:
            text = yaml.safe_dump(_with_split(self._export(), requested), sort_keys=True)
            command = ("gcloud", "compute", "url-maps", "import", _URL_MAP, "--global")
            # Without --quiet gcloud asks for confirmation.
            self._runner.change(*command, self._project, "--quiet", stdin=text)
            self._console.print("  (content: the export, with the new weights)", style="dim")
        except (CommandFailedError, RefusedError) as error:
            raise RefusedError(f"{error}\n{self._incomplete()}") from None

    def _check(self, configured: TrafficSplit, requested: TrafficSplit) -> None:
        # gcloud does not refuse an import after a concurrent change, so compare the result.
        now = url_map.read_percents(self._export())
        self._console.print(_table(now, configured))
        if any(now.get(family) != {percent} for family, percent in requested.items()):
            raise RefusedError(
                f"another process changed the URL map at the same time\n{self._incomplete()}"
            )
        self._console.print("The change takes about a minute to reach all front ends of Google.")

    def _incomplete(self) -> str:
        family, percent = self._options.family, self._options.percent
        environment = self._options.environment
        return (
            f"{self._stored.url} and the URL map differ now. To repair this, run again:\n"
            f"  ./scripts/traffic --environment {environment} {family} {percent}"
        )

    def _parse(self, text: str) -> dict[str, int]:
        try:
            return traffic_split.parse_split(text)
        except ValueError as error:
            raise RefusedError(f"{self._stored.url} is not valid: {error}") from None

    def _export(self) -> url_map.UrlMap:
        command = ("gcloud", "compute", "url-maps", "export", _URL_MAP, "--global")
        found: url_map.UrlMap = yaml.safe_load(self._runner.read(*command, self._project))
        return found


def _requested(options: argparse.Namespace) -> dict[str, int]:
    try:
        return traffic_split.requested_split(options.family, options.percent)
    except ValueError as error:
        raise RefusedError(str(error)) from None


def _with_split(found: url_map.UrlMap, requested: TrafficSplit) -> url_map.UrlMap:
    try:
        return url_map.with_split(found, requested)
    except ValueError as error:
        raise RefusedError(str(error)) from None


def _table(
    now: Mapping[str, set[int]], configured: TrafficSplit, requested: Collection[str] = ()
) -> Table:
    table = Table("family", "new service now", "new service configured", "")
    for family in traffic_split.FAMILIES:
        percents = now.get(family, set())
        current = ", ".join(f"{percent} %" for percent in sorted(percents)) or "missing"
        note = "changes" if family in requested else "differs"
        if percents == {configured[family]}:
            note = ""
        table.add_row(family, current, f"{configured[family]} %", note)
    return table


def _percent(text: str) -> int:
    percent = int(text) if text.isdecimal() else -1
    if not 0 <= percent <= traffic_split.FULL_PERCENT:
        raise argparse.ArgumentTypeError("not a whole number from 0 to 100")
    return percent


def _options() -> argparse.Namespace:
    parser = command_line(
        "traffic",
        "Show or change the percent of each family's traffic that the new service receives.\n"
        "The old service receives the rest. A change sets the URL map of the load balancer, and\n"
        "the object that Terraform reads.",
        _EXAMPLES,
    )
    parser.add_argument(
        "family",
        metavar="FAMILY",
        nargs="?",
        choices=(*traffic_split.FAMILIES, traffic_split.ALL),
        help=f"one of {', '.join(traffic_split.FAMILIES)}, or {traffic_split.ALL}",
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
