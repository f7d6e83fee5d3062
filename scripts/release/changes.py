"""The changes of a Terraform plan: summary, refused losses, and updated services.

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
_SERVICE_TYPES = {"google_cloudfunctions2_function", "google_cloud_run_v2_service"}
_PROTECTED_TYPES = _SERVICE_TYPES | {  # without a service, no revision is left for a rollback
    "google_artifact_registry_repository",  # has the images of all revisions
    "google_compute_global_address",  # DNS records point to it
    "google_firestore_backup_schedule",
    "google_firestore_database",
    "google_pubsub_subscription",  # holds undelivered messages
    "google_pubsub_topic",
    "google_secret_manager_secret",
    "google_storage_bucket",
}
"""Types of resources with content that a later release cannot restore."""


@dataclass(frozen=True)
class Change:
    """The change of one resource."""

    address: str
    type: str
    kind: str
    """`add`, `change`, `replace`, `destroy`, or `forget` (leaves the state, but stays)."""

    name: str
    """The `name` of the resource; empty if it has none."""

    @property
    def updated_service(self) -> str | None:
        """The existing service that this change updates; None for any other change."""
        is_update = self.kind == _CHANGE and self.type in _SERVICE_TYPES
        return self.name if is_update and self.name in SERVICES else None


def read_changes(shown: str) -> list[Change]:
    """Read the output of `terraform show -json PLAN`; omits resources without a change."""
    found = [_change(each) for each in json.loads(shown).get("resource_changes", ())]
    return [change for change in found if change is not None]


def summarize(changes: Sequence[Change]) -> list[str]:
    """Return lines for the terminal: a count of each kind, then each resource."""
    if not changes:
        return ["no changes"]
    numbers = Counter(change.kind for change in changes)
    counted = [f"{numbers[kind]} to {kind}" for kind in _KINDS if numbers[kind] or kind != _FORGET]
    # Losses first: a long plan must not hide them.
    ordered = sorted(changes, key=lambda change: (-_KINDS.index(change.kind), change.address))
    return [", ".join(counted), *(f"  {change.kind:<8}{change.address}" for change in ordered)]


def find_losses(changes: Sequence[Change], allowed: Collection[str]) -> list[str]:
    """Return a line for each protected resource that would be destroyed.

    Args:
        changes: the changes of a plan.
        allowed: addresses of resources that may be destroyed.
    """
    return [
        f"{change.address} would be lost ({change.kind})"
        for change in changes
        if change.kind in {_REPLACE, _DESTROY}
        and change.type in _PROTECTED_TYPES
        and change.address not in allowed
    ]


def updated_services(changes: Sequence[Change]) -> set[str]:
    """Return the existing services that the plan updates."""
    return {change.updated_service for change in changes if change.updated_service is not None}


def _change(found: Any) -> Change | None:  # noqa: ANN401 - JSON
    change = found["change"]
    kind = _kind(change["actions"])
    if kind is None:
        return None
    # `after` is null for a destroyed resource, `before` for a new one.
    name = str((change["after"] or change["before"] or {}).get("name", ""))
    return Change(found["address"], found["type"], kind, name)


def _kind(actions: Sequence[str]) -> str | None:
    if "delete" in actions:
        return _REPLACE if "create" in actions else _DESTROY
    kinds = {"create": _ADD, "update": _CHANGE, "forget": _FORGET}
    return next((kinds[action] for action in actions if action in kinds), None)
