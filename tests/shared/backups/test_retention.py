"""The rule that selects the backups to delete."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.backups.place import Backup
from shared.backups.retention import Retention
from tests.shared.backups.content import AT

MIB = 1024 * 1024
RULE = Retention(keep=3, keep_days=10, quota_bytes=100 * MIB, max_backups=20)


def backups(*ages_days: float, size_bytes: int = 1) -> list[Backup]:
    """Return backups of these ages, newest first. Their ids are their numbers."""
    return [
        Backup(str(number), AT - timedelta(days=age), size_bytes, None)
        for number, age in enumerate(ages_days)
    ]


def kept(rule: Retention, found: Sequence[Backup], new_id: str = "0") -> list[str]:
    expired = rule.expired(found, new_id, AT)
    return [each.id for each in found if each not in expired]


@pytest.mark.parametrize(
    ("ages", "expected"),
    [
        ([0], 1),
        ([0, 50, 60], 3),
        ([0, 50, 60, 70], 3),
        ([0, 1, 2, 3, 9.9], 5),
        ([0, 1, 2, 3, 10.1], 4),
        ([50, 60, 70, 80], 3),
    ],
)
def test_newest_and_recent_backups_are_kept(ages: list[float], expected: int) -> None:
    assert kept(RULE, backups(*ages)) == [str(number) for number in range(expected)]


def test_oldest_go_until_new_backup_fits() -> None:
    found = [replace(backups(0)[0], size_bytes=60 * MIB), *backups(0, 1, 2, 3, size_bytes=15 * MIB)]
    found = [replace(each, id=str(number)) for number, each in enumerate(found)]
    assert kept(RULE, found) == ["0", "1", "2"]
    assert [each.id for each in RULE.expired(found, "0", AT)] == ["4", "3"]


def test_new_backup_of_whole_quota_is_alone() -> None:
    found = backups(0, 0, 1, size_bytes=100 * MIB)
    assert kept(RULE, found) == ["0"]


def test_new_backup_is_kept_behind_newer_ones() -> None:
    assert "4" in kept(RULE, backups(0, 1, 2, 3, 50), new_id="4")


def test_number_of_backups_is_bounded() -> None:
    assert len(kept(RULE, backups(*[0] * 100))) == 20


@given(
    ages=st.lists(st.floats(0, 30), min_size=1, max_size=60),
    sizes=st.lists(st.integers(1, 30 * MIB), min_size=60, max_size=60),
    new=st.integers(0, 59),
)
def test_rule_keeps_the_newest_within_its_bounds(
    ages: list[float], sizes: list[int], new: int
) -> None:
    found = [
        replace(each, size_bytes=size)
        for each, size in zip(backups(*sorted(ages)), sizes, strict=False)
    ]
    new_id = str(new % len(found))
    expired = {each.id for each in RULE.expired(found, new_id, AT)}
    remaining = [each for each in found if each.id not in expired]
    others = [each.id for each in remaining if each.id != new_id]
    assert new_id not in expired
    # No backup is deleted while an older one stays, except for the new one.
    assert others == [each.id for each in found if each.id != new_id][: len(others)]
    assert sum(each.size_bytes for each in remaining) <= RULE.quota_bytes
    assert len(remaining) <= RULE.max_backups
