"""The evaluation of log filters."""

import pytest

from tests.infra.log_filter import log_entry, matches

_ENTRY = log_entry(
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
def test_filter_matches(filter_: str) -> None:
    assert matches(filter_, _ENTRY)


@pytest.mark.parametrize(
    "filter_",
    [
        'jsonPayload.logger="a.c"',
        "jsonPayload.is_over=false",
        'jsonPayload.deleted."of all">2',
        "jsonPayload.deleted.events>=0",
        "severity>=CRITICAL",
        'jsonPayload.logger="a.b" AND severity=INFO',
        # In most languages AND binds tighter, and this would match.
        "severity=ERROR OR severity=INFO AND severity=INFO",
        "NOT (severity=ERROR OR severity=INFO)",
    ],
)
def test_filter_does_not_match(filter_: str) -> None:
    assert not matches(filter_, _ENTRY)


def test_unsupported_filter_is_rejected() -> None:
    with pytest.raises(AssertionError):
        matches("severity!=ERROR", _ENTRY)
