"""The titles of alerts in the runbook and on their pages."""

import re

import pytest

from scripts.root import ROOT

OPERATIONS = ROOT / "docs" / "operations"
RUNBOOK = (OPERATIONS / "runbook.md").read_text()
ALERTS = re.findall(
    r'^ {4}([a-z-]+) = \{\n {6}title +=\s"(.+)"$',
    (ROOT / "infra" / "modules" / "monitoring" / "alerts.tf").read_text(),
    re.MULTILINE,
)


def test_alerts_are_found() -> None:
    pages = {path.stem for path in (OPERATIONS / "incidents").glob("*.md")}
    assert {slug for slug, _ in ALERTS} == pages - {"budget"}


@pytest.mark.parametrize(("slug", "title"), ALERTS, ids=[slug for slug, _ in ALERTS])
def test_title_of_alert_is_in_runbook_and_page(slug: str, title: str) -> None:
    assert re.search(rf"^\| {title} \| .*\(incidents/{slug}\.md\)", RUNBOOK, re.MULTILINE)
    heading = (OPERATIONS / "incidents" / f"{slug}.md").read_text().partition("\n")[0]
    assert heading.endswith(f": {title}")
