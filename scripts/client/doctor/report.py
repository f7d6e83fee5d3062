"""The printed report."""

from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from scripts.client.doctor.findings import ALL, Feature, Finding, Severity, merged, worst

_TITLES = {Severity.PROBLEM: "Problems", Severity.OFF: "Off", Severity.WARNING: "Notes"}
_STYLES = {Severity.PROBLEM: "red", Severity.OFF: "yellow", Severity.WARNING: "green"}
_WIDTH = max(map(len, Feature)) + 2


def show(console: Console, base: str, findings: Sequence[Finding]) -> None:
    """Print a line per feature, then each finding with its next step."""
    console.print(Text(f"LiftLog at {base}\n", style="bold"))
    for feature in Feature:
        decisive = worst(feature, findings)
        severity = decisive.severity if decisive else Severity.WARNING
        line = Text(f"{feature:<{_WIDTH}}")
        line.append(severity.value, style=_STYLES[severity])
        line.append(f": {decisive.problem}" if decisive else "")
        console.print(line)
    for severity, title in _TITLES.items():
        found = [each for each in merged(findings) if each.severity is severity]
        if found:
            console.print(Text(f"\n{title}", style="bold"))
        for number, finding in enumerate(found, 1):
            console.print(Text(f"{number}. {_sentence(finding)}"))
            console.print(Text(f"   Next step: {finding.next_step}"))


def _sentence(finding: Finding) -> str:
    names = "all features" if finding.features == ALL else ", ".join(sorted(finding.features))
    return f"{finding.problem[:1].upper()}{finding.problem[1:]} [{names}]"
