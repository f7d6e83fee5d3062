"""Revisions of Cloud Run services, and the choice of the revision for a rollback.

Source: https://cloud.google.com/run/docs/reference/rest/v1/namespaces.revisions (RevisionStatus)
"""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

RevisionTraffic = Mapping[str, int]
"""Percent of the traffic of a service by revision."""


@dataclass(frozen=True)
class Revision:
    """Code and settings that were deployed together."""

    name: str
    created_at: datetime
    is_ready: bool


@dataclass(frozen=True)
class RollbackChoice:
    """The revision that gets all traffic of a service; None leaves the traffic unchanged."""

    revision: str | None
    note: str = ""
    """The reason for None."""

    is_failure: bool = False
    """Whether a rollback is needed but impossible."""


def read_revisions(listed: str) -> list[Revision]:
    """Read `gcloud run revisions list --format=json`; oldest first."""
    found = [
        Revision(
            each["metadata"]["name"],
            datetime.fromisoformat(each["metadata"]["creationTimestamp"]),
            _is_ready(each),
        )
        for each in json.loads(listed)
    ]
    # By time: the name of a revision need not contain its number.
    return sorted(found, key=lambda revision: (revision.created_at, revision.name))


def choose_previous(
    traffic: RevisionTraffic, revisions: Sequence[Revision], served: Collection[str]
) -> RollbackChoice:
    """Choose the revision that a service returns to.

    During a canary it is the oldest revision with traffic. Otherwise it is the newest revision
    that is ready, has served, and is older than the one with all traffic. A service whose traffic
    is not on its newest revision is rolled back already, so a repeated command changes
    nothing.

    Args:
        traffic: the current traffic.
        revisions: oldest first.
        served: revisions that once had all traffic.
    """
    names = [revision.name for revision in revisions]
    serving = [name for name in names if traffic.get(name)]
    if len(serving) > 1:
        return RollbackChoice(serving[0])
    if not serving:
        return RollbackChoice(None, "no revision has traffic", is_failure=True)
    position = names.index(serving[0])
    newer = _ready_names(revisions[position + 1 :])
    if newer:
        note = f"already rolled back: {newer[-1]} is newer. To go further: --to REVISION"
        return RollbackChoice(None, note)
    older = _ready_names(revisions[:position])
    if not older:
        return RollbackChoice(None, "no older revision is ready", is_failure=True)
    # Ready is not enough: a revision may be ready and still have failed its canary.
    candidates = [name for name in older if name in served]
    if not candidates:
        note = f"no older revision is recorded as served. Use --to with one of {', '.join(older)}"
        return RollbackChoice(None, note, is_failure=True)
    return RollbackChoice(candidates[-1])


def choose_named(
    name: str, traffic: RevisionTraffic, revisions: Sequence[Revision]
) -> RollbackChoice:
    """Choose the revision `name`.

    Raises:
        ValueError: it does not exist or is not ready; the message lists the ready revisions.
    """
    ready = _ready_names(revisions)
    if name not in ready:
        raise ValueError(f"{name} is not a ready revision; ready are {', '.join(ready)}")
    if [revision for revision, percent in traffic.items() if percent] == [name]:
        return RollbackChoice(None, "has all traffic already")
    return RollbackChoice(name)


def _is_ready(revision: Any) -> bool:  # noqa: ANN401 - JSON
    conditions = revision.get("status", {}).get("conditions", ())
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)


def _ready_names(revisions: Sequence[Revision]) -> list[str]:
    return [revision.name for revision in revisions if revision.is_ready]
