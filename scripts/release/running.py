"""What runs on Cloud Run right now, as far as a release has to know."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from scripts.local.ports import SERVICES
from scripts.release.revisions import Shares, shares_of_services

TAG = "candidate"
"""Gives a revision without traffic an address of its own."""


@dataclass(frozen=True)
class Running:
    """One service."""

    address: str
    newest: str
    """The newest revision that can serve."""

    is_ready: bool
    """Whether nothing newer fails to start, or has not begun."""

    shares: Shares
    candidate: str | None
    """The address of the revision that is tagged."""

    @property
    def serving(self) -> str | None:
        """The revision with all traffic; None if several share it."""
        names = [name for name, percent in self.shares.items() if percent]
        return names[0] if len(names) == 1 else None

    @property
    def is_behind(self) -> bool:
        """Whether it was sent back from its newest revision, by a gate or by hand."""
        return self.serving is not None and self.serving != self.newest


def running(listed: str) -> dict[str, Running]:
    """Read `gcloud run services list --format=json`; leaves out what is not ours."""
    shares = shares_of_services(listed)
    found = {}
    for each in json.loads(listed):
        name, status = each["metadata"]["name"], each["status"]
        if name in SERVICES and "latestReadyRevisionName" in status:
            tagged = [t.get("url") for t in status.get("traffic", ()) if t.get("tag") == TAG]
            newest = status["latestReadyRevisionName"]
            is_ready = newest == status["latestCreatedRevisionName"]
            candidate = tagged[0] if tagged else None
            found[name] = Running(status["url"], newest, is_ready, shares[name], candidate)
    return {name: found[name] for name in SERVICES if name in found}


def shared(services: Mapping[str, Running]) -> list[str]:
    """Say whose traffic is shared by several revisions, as in a canary."""
    return [
        f"{name}: {', '.join(f'{to} {percent} %' for to, percent in sorted(each.shares.items()))}"
        for name, each in services.items()
        if each.serving is None
    ]
