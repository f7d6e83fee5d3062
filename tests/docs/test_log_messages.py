"""The texts of the code that the pages quote: log messages, outputs and errors."""

import re

import pytest

from scripts.root import ROOT

DOCS = ROOT / "docs"
INCIDENTS = DOCS / "operations" / "incidents"
SOURCES = "\n".join(
    path.read_text()
    for part in ("functions", "shared", "scripts")
    for path in (ROOT / part).rglob("*.py")
)
TEXTS = {
    "architecture.md": ["draining ... connections"],
    "observability.md": [
        "not ready: ... is unavailable",
        "... is available again",
        "response incomplete: ...",
        "... requests a pause of ...",
        "... is unavailable; purchases confirmed in the last day are accepted",
        "request admitted without a rate limit: the database is unavailable",
        "... cannot be exported: ...",
        "telemetry cannot be exported",
    ],
    "operations/cleanup.md": [
        "no response at ...",
        "run ... requested; Ctrl-C ends the watch, not the run",
        "failed: ...; will be retried",
        "out of time: ...; the next run continues",
        "in progress or killed",
    ],
    "operations/first-deployment.md": ["... (hidden):", "again:", "would be lost ..."],
    "operations/incidents/error-rate.md": ["users signing in", "large requests"],
    "operations/releases.md": [
        "error:",
        "NOT MOVED BACK. Run now:",
        "another release is in its canary, or a canary was killed",
        "the traffic of ... has changed since the plan",
        "the traffic of ... moved during apply",
        "no changes",
        "already rolled back",
        "new service now",
        "new service configured",
        "... (hidden):",
    ],
}


def quoted(page: str) -> list[str]:
    """Return the code spans in the first column of the table of messages."""
    rows = re.findall(r"^\| (.*?) \|", (INCIDENTS / page).read_text(), re.MULTILINE)
    return [span for row in rows for span in re.findall(r"`([^`]+)`", row)]


def parts(message: str) -> list[str]:
    """Return the constant parts of a quoted message."""
    return [part.strip() for part in re.split(r"\.\.\.|\(\d+\)", message) if part.strip()]


@pytest.mark.parametrize(
    "message",
    [
        each
        for page in ("cleanup-dead-letters.md", "code-errors.md", "model-failures.md")
        for each in quoted(page)
        if each != "stack_trace"
    ],
)
def test_quoted_log_message_is_in_the_code(message: str) -> None:
    assert [part for part in parts(message) if part not in SOURCES] == []


@pytest.mark.parametrize(
    ("page", "text"), [(page, text) for page, texts in TEXTS.items() for text in texts]
)
def test_quoted_text_is_in_page_and_code(page: str, text: str) -> None:
    shown = (DOCS / page).read_text()
    assert [part for part in parts(text) if part not in shown] == []
    assert [part for part in parts(text) if part not in SOURCES] == []
