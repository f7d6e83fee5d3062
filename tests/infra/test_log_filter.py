"""The rules by which the filters of log lines are read here."""

import pytest

from tests.infra.log_filter import entry_of, finds

_ENTRY = entry_of(
    {"severity": "ERROR", "logger": "a.b", "is_over": True, "deleted": {"of all": 2}},
    log="run.googleapis.com/requests",
)


@pytest.mark.parametrize(
    "filter_",
    [
        'resource.type="cloud_run_revision"',
        'jsonPayload.logger="a.b" AND jsonPayload.is_over=true',
        'jsonPayload.deleted."of all">1',
        'jsonPayload.deleted."of all">=2',
        "severity>=WARNING",
        "severity>=ERROR",
        'log_id("run.googleapis.com/requests")',
        'NOT log_id("requests")',
        "severity=INFO OR severity=ERROR",
    ],
)
def test_what_is_asked_for_is_found(filter_: str) -> None:
    assert finds(filter_, _ENTRY)


@pytest.mark.parametrize(
    "filter_",
    [
        'jsonPayload.logger="a.c"',
        "jsonPayload.is_over=false",
        'jsonPayload.deleted."of all">2',
        "jsonPayload.deleted.events>=0",
        "severity>=CRITICAL",
        'jsonPayload.logger="a.b" AND severity=INFO',
        # Elsewhere AND would go first.
        "severity=ERROR OR severity=INFO AND severity=INFO",
        "NOT (severity=ERROR OR severity=INFO)",
    ],
)
def test_nothing_else_is_found(filter_: str) -> None:
    assert not finds(filter_, _ENTRY)


def test_what_cannot_be_read_is_refused() -> None:
    with pytest.raises(AssertionError):
        finds("severity!=ERROR", _ENTRY)
