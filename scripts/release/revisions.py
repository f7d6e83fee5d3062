"""The revisions of services on Cloud Run, and which of them is the way back.

Source: https://cloud.google.com/run/docs/reference/rest/v1/namespaces.services (ServiceStatus) and
https://cloud.google.com/run/docs/reference/rest/v1/namespaces.revisions (RevisionStatus)
"""

import json
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

Shares = Mapping[str, int]
"""Percent of a service's traffic by revision."""


@dataclass(frozen=True)
class Revision:
    """One revision: code and settings that were deployed together."""

    name: str
    created_at: datetime
    is_ready: bool


@dataclass(frozen=True)
class Way:
    """Where a service goes back to; None if it stays, and why."""

    to: str | None
    note: str = ""
    is_dead_end: bool = False
    """It stays although it was to go."""


def shares_of_services(listed: str) -> dict[str, Shares]:
    """Read `gcloud run services list --format=json`: who has the traffic of each service."""
    return {each["metadata"]["name"]: _shares(each) for each in json.loads(listed)}


def revisions(listed: str) -> list[Revision]:
    """Read `gcloud run revisions list --format=json`; oldest first."""
    found = [
        Revision(
            each["metadata"]["name"],
            datetime.fromisoformat(each["metadata"]["creationTimestamp"]),
            _is_ready(each),
        )
        for each in json.loads(listed)
    ]
    return sorted(found, key=lambda revision: (revision.created_at, revision.name))


def way_back(
    shares: Shares, all_revisions: Sequence[Revision], have_served: Collection[str]
) -> Way:
    """Choose the revision that a service goes back to.

    While several revisions share the traffic, as in a canary, it is the oldest of them. Otherwise
    it is the newest that has served, is ready, and is older than the one with all traffic. If that
    one is not the newest itself, the service is back already: who repeats the command does not go
    back twice.

    Args:
        shares: who has the traffic now.
        all_revisions: oldest first.
        have_served: those that are known to have had all traffic once.
    """
    names = [revision.name for revision in all_revisions]
    serving = [name for name in names if shares.get(name)]
    if len(serving) > 1:
        return Way(serving[0])
    if not serving:
        return Way(None, "no revision has traffic", is_dead_end=True)
    place = names.index(serving[0])
    newer = _ready(all_revisions[place + 1 :])
    if newer:
        return Way(None, f"is back already: {newer[-1]} is newer. Further: --to REVISION")
    older = _ready(all_revisions[:place])
    if not older:
        return Way(None, "nothing older is ready", is_dead_end=True)
    tried = [name for name in older if name in have_served]
    if not tried:
        note = f"nothing older is known to have served. --to REVISION, of {', '.join(older)}"
        return Way(None, note, is_dead_end=True)
    return Way(tried[-1])


def way_to(name: str, shares: Shares, all_revisions: Sequence[Revision]) -> Way:
    """Check that a service can go to the revision `name`.

    Raises:
        ValueError: it is not there, or not ready; says which are.
    """
    ready = _ready(all_revisions)
    if name not in ready:
        raise ValueError(f"{name} is no revision that is ready; these are: {', '.join(ready)}")
    if [revision for revision, percent in shares.items() if percent] == [name]:
        return Way(None, "has all traffic already")
    return Way(name)


def _shares(service: Any) -> Shares:  # noqa: ANN401 - JSON
    shares: Counter[str] = Counter()
    for target in service["status"].get("traffic", ()):
        shares[target["revisionName"]] += target.get("percent", 0)
    return {name: percent for name, percent in shares.items() if percent}


def _is_ready(revision: Any) -> bool:  # noqa: ANN401 - JSON
    conditions = revision.get("status", {}).get("conditions", ())
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)


def _ready(some: Sequence[Revision]) -> list[str]:
    return [revision.name for revision in some if revision.is_ready]
