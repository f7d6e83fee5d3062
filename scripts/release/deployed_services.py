"""The services on Cloud Run, with the revisions that serve them now."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from scripts.local.ports import SERVICES
from scripts.release.revisions import RevisionTraffic, traffic_by_service

CANDIDATE_TAG = "candidate"
"""Cloud Run gives a tagged revision its own address, even without traffic."""


@dataclass(frozen=True)
class DeployedService:
    """One service."""

    address: str
    newest: str
    """The newest revision that is ready."""

    is_ready: bool
    """Whether the newest revision is ready; False while it starts or after it failed."""

    follows_newest: bool
    """Whether the traffic goes to the newest revision, whatever its name.

    If True, each new revision gets all traffic as soon as it is ready.
    """

    traffic: RevisionTraffic
    candidate_url: str | None
    """Address of the tagged revision."""

    @property
    def serving(self) -> str | None:
        """The revision with all traffic; None while several share it."""
        names = [name for name, percent in self.traffic.items() if percent]
        return names[0] if len(names) == 1 else None

    @property
    def has_candidate(self) -> bool:
        """Whether the newest revision has no traffic, because of a rollback or a failed stage."""
        return self.serving is not None and self.serving != self.newest


def read_services(listed: str) -> dict[str, DeployedService]:
    """Read `gcloud run services list --format=json`; omits services of other products."""
    traffic = traffic_by_service(listed)
    found = {}
    for each in json.loads(listed):
        name, status = each["metadata"]["name"], each["status"]
        # A service whose first revision failed has no ready revision, and no traffic to protect.
        if name in SERVICES and "latestReadyRevisionName" in status:
            targets = status.get("traffic", ())
            tagged = [t.get("url") for t in targets if t.get("tag") == CANDIDATE_TAG]
            newest = status["latestReadyRevisionName"]
            found[name] = DeployedService(
                address=status["url"],
                newest=newest,
                is_ready=newest == status["latestCreatedRevisionName"],
                follows_newest=any(t.get("latestRevision") and t.get("percent") for t in targets),
                traffic=traffic[name],
                candidate_url=tagged[0] if tagged else None,
            )
    return {name: found[name] for name in SERVICES if name in found}


def describe_splits(services: Mapping[str, DeployedService]) -> list[str]:
    """Return a line for each service whose traffic several revisions share."""
    return [
        f"{name}: {', '.join(f'{to} {percent} %' for to, percent in sorted(each.traffic.items()))}"
        for name, each in services.items()
        if each.serving is None
    ]
