"""The changes of a Terraform plan."""

import json
from typing import Any

import pytest

from scripts.release.changes import (
    Change,
    find_losses,
    read_changes,
    summarize,
    updated_services,
)

FUNCTION = "google_cloudfunctions2_function"
USERS = f'module.function["users"].{FUNCTION}.this'
CHAT = "google_cloud_run_v2_service.chat[0]"


def shown(*resources: tuple[str, str, list[str], str]) -> str:
    """Return the output of `terraform show -json` for addresses, types, actions and names."""
    found: list[Any] = []
    for address, resource_type, actions, name in resources:
        before = None if actions == ["create"] else {"name": name}
        after = None if actions == ["delete"] else {"name": name}
        change = {"actions": actions, "before": before, "after": after, "after_unknown": {}}
        found.append({"address": address, "type": resource_type, "change": change})
    return json.dumps({"format_version": "1.2", "resource_changes": found})


def change(address: str, kind: str, resource_type: str = FUNCTION, name: str = "users") -> Change:
    return Change(address, resource_type, kind, name)


@pytest.mark.parametrize(
    ("actions", "kind"),
    [
        (["create"], "add"),
        (["update"], "change"),
        (["delete", "create"], "replace"),
        (["create", "delete"], "replace"),
        (["delete"], "destroy"),
        (["forget"], "forget"),
    ],
    ids=str,
)
def test_change_kind_matches_actions(actions: list[str], kind: str) -> None:
    assert read_changes(shown((USERS, FUNCTION, actions, "users"))) == [change(USERS, kind)]


@pytest.mark.parametrize("actions", [["no-op"], ["read"]], ids=str)
def test_unchanged_resource_is_omitted(actions: list[str]) -> None:
    assert read_changes(shown((USERS, FUNCTION, actions, "users"))) == []


def test_empty_plan_has_no_changes() -> None:
    assert read_changes('{"format_version": "1.2"}') == []
    assert summarize([]) == ["no changes"]


def test_summary_lists_losses_first() -> None:
    topic = change("google_pubsub_topic.t", "add", "google_pubsub_topic", "t")
    some = [change(USERS, "change"), topic, change(CHAT, "destroy")]
    assert summarize(some) == [
        "1 to add, 1 to change, 0 to replace, 1 to destroy",
        f"  destroy {CHAT}",
        f"  change  {USERS}",
        "  add     google_pubsub_topic.t",
    ]
    assert summarize([change("a", "forget")])[0].endswith("0 to destroy, 1 to forget")


def test_updated_services_exist_already() -> None:
    found = read_changes(
        shown(
            (USERS, FUNCTION, ["update"], "users"),
            (CHAT, "google_cloud_run_v2_service", ["update"], "chat"),
            ("new", FUNCTION, ["create"], "events"),
            ("same", FUNCTION, ["no-op"], "social"),
            ("not ours", FUNCTION, ["update"], "other"),
            ("google_pubsub_topic.ai", "google_pubsub_topic", ["update"], "ai"),
        )
    )
    assert updated_services(found) == {"users", "chat"}


@pytest.mark.parametrize("kind", ["replace", "destroy"])
@pytest.mark.parametrize(
    "resource_type",
    [
        "google_artifact_registry_repository",
        "google_firestore_backup_schedule",
        "google_firestore_database",
        "google_secret_manager_secret",
        "google_storage_bucket",
        "google_compute_global_address",
        "google_pubsub_subscription",
        "google_pubsub_topic",
        FUNCTION,
        "google_cloud_run_v2_service",
    ],
)
def test_loss_of_protected_resource_is_found(resource_type: str, kind: str) -> None:
    some = [change("the.address", kind, resource_type)]
    assert find_losses(some, []) == [f"the.address would be lost ({kind})"]
    assert find_losses(some, ["another"]) == find_losses(some, [])
    assert find_losses(some, ["the.address"]) == []


def test_replaced_archive_is_not_a_loss() -> None:
    archive = change("google_storage_bucket_object.a", "replace", "google_storage_bucket_object")
    kept = change("google_storage_bucket.b", "change", "google_storage_bucket")
    assert find_losses([archive, kept], []) == []
