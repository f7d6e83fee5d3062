"""The log messages that the pages of the alerts quote."""

import re

import pytest

from scripts.root import ROOT

INCIDENTS = ROOT / "docs" / "operations" / "incidents"
SOURCES = "\n".join(
    path.read_text() for part in ("functions", "shared") for path in (ROOT / part).rglob("*.py")
)


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
        for page in ("code-errors.md", "model-failures.md")
        for each in quoted(page)
        if each != "stack_trace"
    ],
)
def test_quoted_log_message_is_in_the_code(message: str) -> None:
    assert [part for part in parts(message) if part not in SOURCES] == []
