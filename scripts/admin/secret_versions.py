"""The versions of a secret in Secret Manager, and which are not needed any more.

Services ask for `latest`, which is the version that was added last, whatever its state is.

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
    """One version; the secret's value is not known here."""

    number: int
    created_at: datetime
    state: str

    @property
    def is_enabled(self) -> bool:
        """Whether it can be read."""
        return self.state == _ENABLED


def versions(listed: str) -> list[Version]:
    """Read `gcloud secrets versions list --format=json`; oldest first."""
    found = [
        Version(
            int(each["name"].rpartition("/")[2]),
            datetime.fromisoformat(each["createTime"]),
            each["state"],
        )
        for each in json.loads(listed)
    ]
    return sorted(found, key=lambda version: version.number)


def trouble(found: Sequence[Version]) -> str | None:
    """Say why services cannot read a secret; None if they can."""
    if not found:
        return "has no version"
    newest = found[-1]
    if not newest.is_enabled:
        return f"version {newest.number}, the newest, is {newest.state.lower()}"
    return None


def outdated(found: Sequence[Version]) -> list[Version]:
    """Return the enabled versions before the newest.

    Raises:
        ValueError: services cannot read the newest, so no other may go.
    """
    if (why := trouble(found)) is not None:
        raise ValueError(f"it {why}; set it first")
    return [version for version in found[:-1] if version.is_enabled]


def left_s(newest: Version, now: datetime, refresh_s: float) -> float:
    """Return for how long some process may still use the version before `newest`; 0 if none."""
    return max(0, (newest.created_at + timedelta(seconds=refresh_s) - now).total_seconds())


def age(version: Version, now: datetime) -> str:
    """Return how old a version is, in the largest unit that fits."""
    seconds = (now - version.created_at).total_seconds()
    for unit, length in _UNITS:
        if seconds >= length:
            number = int(seconds // length)
            return f"{number} {unit}{'s' if number > 1 else ''}"
    return "less than a minute"
