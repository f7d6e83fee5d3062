"""The versions of a secret in Secret Manager, with the outdated ones among them.

Services read `latest`, which is the newest version, even if it is disabled.

Source: https://cloud.google.com/secret-manager/docs/reference/rest/v1/projects.secrets.versions
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

_ENABLED = "ENABLED"
_UNITS = (("day", 86_400), ("hour", 3600), ("minute", 60))


@dataclass(frozen=True)
class Version:
    """One version, without its value."""

    number: int
    created_at: datetime
    state: str

    @property
    def is_enabled(self) -> bool:
        """Whether services can read it."""
        return self.state == _ENABLED


def read_versions(listed: str) -> list[Version]:
    """Read `gcloud secrets versions list --format=json`; oldest first."""
    found = [
        Version(
            int(each["name"].rpartition("/")[2]),
            datetime.fromisoformat(each["createTime"]),
            each["state"],
        )
        for each in json.loads(listed)
    ]
    # By number: names sort 10 before 9.
    return sorted(found, key=lambda version: version.number)


def find_problem(versions: Sequence[Version]) -> str | None:
    """Return the reason why services cannot read a secret; None if they can."""
    if not versions:
        return "has no version"
    newest = versions[-1]
    if not newest.is_enabled:
        return f"version {newest.number}, the newest, is {newest.state.lower()}"
    return None


def outdated_versions(versions: Sequence[Version]) -> list[Version]:
    """Return the enabled versions before the newest.

    Raises:
        ValueError: services cannot read the newest, so the others must stay.
    """
    if (problem := find_problem(versions)) is not None:
        raise ValueError(f"the secret {problem}; set it first")
    return [version for version in versions[:-1] if version.is_enabled]


def remaining_use_s(newest: Version, now: datetime, max_age_s: float) -> float:
    """Return how long an instance may still use the version before `newest`; 0 if none does."""
    return max(0, (newest.created_at + timedelta(seconds=max_age_s) - now).total_seconds())


def format_age(version: Version, now: datetime) -> str:
    """Return the age of a version in whole units, of the largest unit that fits."""
    seconds = (now - version.created_at).total_seconds()
    for unit, length in _UNITS:
        if seconds >= length:
            number = int(seconds // length)
            return f"{number} {unit}{'s' if number > 1 else ''}"
    return "less than a minute"
