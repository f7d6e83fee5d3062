"""What Terraform is about to change, read from a plan: for people, for the canary, for safety.

Source: https://developer.hashicorp.com/terraform/internals/json-format (resource_changes)
"""

import json
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from scripts.local.ports import SERVICES

_ADD, _CHANGE, _REPLACE, _DESTROY, _FORGET = "add", "change", "replace", "destroy", "forget"
_KINDS = (_ADD, _CHANGE, _REPLACE, _DESTROY, _FORGET)
_OF_SERVICES = {"google_cloudfunctions2_function", "google_cloud_run_v2_service"}
_KEPT = _OF_SERVICES | {  # without the first two, there is no revision to return to
    "google_artifact_registry_repository",  # what is running is pulled from it again and again
    "google_compute_global_address",  # the domain points to it
    "google_firestore_backup_schedule",
    "google_firestore_database",
    "google_pubsub_subscription",  # messages wait in it
    "google_pubsub_topic",
    "google_secret_manager_secret",
    "google_storage_bucket",
}
"""Types whose resources hold what no later release brings back."""


@dataclass(frozen=True)
class Change:
    """What becomes of one resource."""

    address: str
    type: str
    kind: str
    """`add`, `change`, `replace`, `destroy`, or `forget`: it stays, but Terraform leaves it be."""

    name: str
    """The resource's own, if it has one."""

    @property
    def service(self) -> str | None:
        """The service that gets a new revision, or other settings, by this; None for all else."""
        is_one = self.kind == _CHANGE and self.type in _OF_SERVICES and self.name in SERVICES
        return self.name if is_one else None


def changes(shown: str) -> list[Change]:
    """Read `terraform show -json PLAN`: all that would not stay as it is."""
    found = [_change(each) for each in json.loads(shown).get("resource_changes", ())]
    return [change for change in found if change is not None]


def summary(some: Sequence[Change]) -> list[str]:
    """Return lines for people: how many of which kind, and which resources."""
    if not some:
        return ["nothing is to change"]
    numbers = Counter(change.kind for change in some)
    counted = [f"{numbers[kind]} to {kind}" for kind in _KINDS if numbers[kind] or kind != _FORGET]
    ordered = sorted(some, key=lambda change: (-_KINDS.index(change.kind), change.address))
    return [", ".join(counted), *(f"  {change.kind:<8}{change.address}" for change in ordered)]


def refusals(some: Sequence[Change], allowed: Collection[str]) -> list[str]:
    """Say what would be lost for good; empty if nothing, or if all of it is `allowed`.

    Args:
        some: the changes.
        allowed: addresses of resources that are to go.
    """
    return [
        f"{change.address} would be lost ({change.kind})"
        for change in some
        if change.kind in {_REPLACE, _DESTROY}
        and change.type in _KEPT
        and change.address not in allowed
    ]


def services(some: Sequence[Change]) -> set[str]:
    """Return the services that run already and get a new revision."""
    return {change.service for change in some if change.service is not None}


def differences(
    first: Sequence[Change], second: Sequence[Change], held: Collection[str]
) -> list[str]:
    """Say where a second plan, with `held` services, differs from the one that was agreed to.

    A function whose traffic was sent back in an earlier release may be in the first plan only for
    that: Terraform would give all to its newest revision. When it is held there is nothing to do.

    Args:
        first: the changes that were agreed to.
        second: those of the other plan.
        held: services whose new revisions get no traffic by themselves.
    """
    before = {change.address: change.kind for change in first if change.service not in held}
    now = {change.address: change.kind for change in second}
    agreed = before | {change.address: change.kind for change in first if change.address in now}
    return [
        f"{address}: {agreed.get(address, 'nothing')} before, {now.get(address, 'nothing')} now"
        for address in sorted({*agreed, *now})
        if agreed.get(address) != now.get(address)
    ]


def _change(found: Any) -> Change | None:  # noqa: ANN401 - JSON
    change = found["change"]
    kind = _kind(change["actions"])
    if kind is None:
        return None
    name = str((change["after"] or change["before"] or {}).get("name", ""))
    return Change(found["address"], found["type"], kind, name)


def _kind(actions: Sequence[str]) -> str | None:
    if "delete" in actions:
        return _REPLACE if "create" in actions else _DESTROY
    kinds = {"create": _ADD, "update": _CHANGE, "forget": _FORGET}
    return next((kinds[action] for action in actions if action in kinds), None)
