"""The services on Cloud Run, with the revisions that serve them now.

Source: https://cloud.google.com/run/docs/reference/rest/v1/namespaces.services (ServiceStatus)
"""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from scripts.local.ports import SERVICES
from scripts.release.revisions import RevisionTraffic

CANDIDATE_TAG = "candidate"
"""Cloud Run gives a tagged revision its own address, even without traffic."""


@dataclass(frozen=True)
class DeployedService:
    """One service."""

    address: str
    newest: str
    """The newest revision that is ready."""

    is_ready: bool
    """Whether no newer revision is starting or has failed."""

    follows_newest: bool
    """Whether the traffic follows the newest revision instead of naming one.

    If True, each new revision gets all traffic as soon as it is ready.
    """

    traffic: RevisionTraffic
    candidate_url: str | None
    """Address of the tagged revision."""

    @property
    def serving(self) -> str | None:
        """The revision with all traffic; None while several share it."""
        return next(iter(self.traffic)) if len(self.traffic) == 1 else None

    @property
    def has_candidate(self) -> bool:
        """Whether the newest revision has no traffic, because of a rollback or a failed stage."""
        return self.serving is not None and self.serving != self.newest


def read_services(listed: str) -> dict[str, DeployedService]:
    """Read `gcloud run services list --format=json`; omits services of other products."""
    found = {}
    for each in json.loads(listed):
        name, status = each["metadata"]["name"], each["status"]
        # A service whose first revision failed has no ready revision, and no traffic to protect.
        if name in SERVICES and "latestReadyRevisionName" in status:
            found[name] = _read_service(status)
    return {name: found[name] for name in SERVICES if name in found}


def _read_service(status: Any) -> DeployedService:  # noqa: ANN401 - JSON
    targets = status.get("traffic", ())
    # A revision can have two targets, one with percent and one with a tag only.
    percents: Counter[str] = Counter()
    for target in targets:
        percents[target["revisionName"]] += target.get("percent", 0)
    tagged = [target.get("url") for target in targets if target.get("tag") == CANDIDATE_TAG]
    newest = status["latestReadyRevisionName"]
    return DeployedService(
        address=status["url"],
        newest=newest,
        is_ready=newest == status["latestCreatedRevisionName"],
        follows_newest=any(each.get("latestRevision") and each.get("percent") for each in targets),
        traffic={name: percent for name, percent in percents.items() if percent},
        candidate_url=tagged[0] if tagged else None,
    )


def describe_splits(services: Mapping[str, DeployedService]) -> list[str]:
    """Return a line for each service whose traffic several revisions share."""
    return [
        f"{name}: {', '.join(f'{to} {percent} %' for to, percent in sorted(each.traffic.items()))}"
        for name, each in services.items()
        if each.serving is None
    ]
