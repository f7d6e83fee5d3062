"""The versions of a secret."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from scripts.admin.secret_versions import (
    Version,
    find_problem,
    format_age,
    outdated_versions,
    read_versions,
    remaining_use_s,
)

NOW = datetime(2026, 1, 31, tzinfo=UTC)


def versions(states: str) -> list[Version]:
    """Return versions 1, 2 ... for one letter each: `e`nabled, `d`isabled, `x` destroyed."""
    names = {"e": "ENABLED", "d": "DISABLED", "x": "DESTROYED"}
    return [Version(n, NOW, names[state]) for n, state in enumerate(states, start=1)]


def test_versions_are_sorted_by_number() -> None:
    listed = [
        {
            "name": f"projects/1/secrets/web-auth-key/versions/{number}",
            "createTime": "2026-01-31T00:00:00.000000123Z",
            "state": "ENABLED",
        }
        for number in (10, 9, 1)
    ]
    assert [version.number for version in read_versions(json.dumps(listed))] == [1, 9, 10]


@pytest.mark.parametrize(
    ("states", "numbers"),
    [("e", []), ("ee", [1]), ("exdee", [1, 4])],
    ids=["only one", "one before", "all enabled ones"],
)
def test_enabled_versions_before_the_newest_are_outdated(states: str, numbers: list[int]) -> None:
    assert [version.number for version in outdated_versions(versions(states))] == numbers


@pytest.mark.parametrize(
    ("states", "reason"),
    [("", "has no version"), ("ed", "version 2, the newest, is disabled"), ("ex", "is destroyed")],
    ids=["none", "disabled", "destroyed"],
)
def test_unreadable_newest_version_is_a_problem(states: str, reason: str) -> None:
    with pytest.raises(ValueError, match=f"{reason}; set it first"):
        outdated_versions(versions(states))
    assert reason in (find_problem(versions(states)) or "")


def test_enabled_newest_version_has_no_problem() -> None:
    assert find_problem(versions("xde")) is None


@pytest.mark.parametrize(("age_s", "left"), [(0, 300), (299.5, 0.5), (300, 0), (9000, 0)])
def test_previous_version_stays_in_use_for_a_time(age_s: float, left: float) -> None:
    newest = Version(2, NOW - timedelta(seconds=age_s), "ENABLED")
    assert remaining_use_s(newest, NOW, 300) == left


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (59, "less than a minute"),
        (60, "1 minute"),
        (7199, "1 hour"),
        (7200, "2 hours"),
        (86_400 * 41 + 5, "41 days"),
    ],
)
def test_age_is_formatted_in_one_unit(seconds: int, text: str) -> None:
    assert format_age(Version(1, NOW - timedelta(seconds=seconds), "ENABLED"), NOW) == text
