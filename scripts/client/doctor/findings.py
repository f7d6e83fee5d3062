"""Findings of the checks."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import Enum, StrEnum


class Feature(StrEnum):
    """A feature of the app, by its name in `/features`."""

    FEED = "feed"
    SHARING = "sharing"
    AI_PLANNER = "aiPlanner"
    BACKUP = "backup"


ALL = frozenset(Feature)


class Severity(Enum):
    """The effect of a finding on its features."""

    PROBLEM = "does not work"
    OFF = "off"
    WARNING = "works"


@dataclass(frozen=True)
class Finding:
    """A sentence on the server, and what its operator can do."""

    problem: str
    next_step: str
    features: frozenset[Feature] = ALL
    severity: Severity = Severity.PROBLEM


@dataclass(frozen=True)
class Cause:
    """The reason of an unexpected response: the end of a sentence that begins with the route."""

    problem: str
    next_step: str

    def finding(self, route: str, features: Iterable[Feature]) -> Finding:
        """Return the finding on one or more routes."""
        return Finding(f"{route} {self.problem}", self.next_step, frozenset(features))


def merged(findings: Iterable[Finding]) -> list[Finding]:
    """Return the findings, with one for all features that have the same problem."""
    features: dict[Finding, frozenset[Feature]] = {}
    for each in findings:
        key = replace(each, features=frozenset())
        features[key] = features.get(key, frozenset()) | each.features
    return [replace(key, features=found) for key, found in features.items()]


def worst(feature: Feature, findings: Iterable[Finding]) -> Finding | None:
    """Return the finding that decides about a feature. None if the feature works."""
    found = [each for each in findings if feature in each.features]
    for severity in (Severity.OFF, Severity.PROBLEM):
        for each in found:
            if each.severity is severity:
                return each
    return None
