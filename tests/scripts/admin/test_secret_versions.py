"""The versions of a secret."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from scripts.admin.secret_versions import (
    Version,
    age,
    left_s,
    outdated,
    trouble,
    versions,
)

NOW = datetime(2026, 1, 31, tzinfo=UTC)


def history(states: str) -> list[Version]:
    """Return versions 1, 2 ... of these states: `e`nabled, `d`isabled, destroyed (`x`)."""
    names = {"e": "ENABLED", "d": "DISABLED", "x": "DESTROYED"}
    return [Version(n, NOW, names[state]) for n, state in enumerate(states, start=1)]


def test_versions_come_in_order_of_their_numbers() -> None:
    listed = [
        {
            "name": f"projects/1/secrets/web-auth-key/versions/{number}",
            "createTime": "2026-01-31T00:00:00.000000123Z",
            "state": "ENABLED",
        }
        for number in (10, 9, 1)
    ]
    assert [version.number for version in versions(json.dumps(listed))] == [1, 9, 10]


@pytest.mark.parametrize(
    ("states", "numbers"),
    [("e", []), ("ee", [1]), ("exdee", [1, 4])],
    ids=["the only one", "the one before", "all that are enabled"],
)
def test_enabled_versions_before_the_newest_are_outdated(states: str, numbers: list[int]) -> None:
    assert [version.number for version in outdated(history(states))] == numbers


@pytest.mark.parametrize(
    ("states", "why"),
    [("", "has no version"), ("ed", "version 2, the newest, is disabled"), ("ex", "is destroyed")],
    ids=["none", "disabled", "destroyed"],
)
def test_nothing_is_outdated_while_the_newest_cannot_be_read(states: str, why: str) -> None:
    with pytest.raises(ValueError, match=f"{why}; set it first"):
        outdated(history(states))
    assert why in (trouble(history(states)) or "")


def test_a_secret_whose_newest_version_is_enabled_is_no_trouble() -> None:
    assert trouble(history("xde")) is None


@pytest.mark.parametrize(("old_s", "left"), [(0, 300), (299.5, 0.5), (300, 0), (9000, 0)])
def test_processes_take_a_while_to_forget_the_version_before(old_s: float, left: float) -> None:
    newest = Version(2, NOW - timedelta(seconds=old_s), "ENABLED")
    assert left_s(newest, NOW, 300) == left


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (59, "less than a minute"),
        (60, "1 minute"),
        (7199, "1 hour"),
        (7200, "2 hours"),
        (86_400 * 41 + 5, "41 days"),
    ],
)
def test_ages_are_told_in_one_unit(seconds: int, told: str) -> None:
    assert age(Version(1, NOW - timedelta(seconds=seconds), "ENABLED"), NOW) == told
