"""What a plan of Terraform means."""

import json
from typing import Any

import pytest

from scripts.release.changes import (
    Change,
    changes,
    differences,
    refusals,
    services,
    summary,
)

FUNCTION = "google_cloudfunctions2_function"
USERS = f'module.function["users"].{FUNCTION}.this'
CHAT = "google_cloud_run_v2_service.chat[0]"


def shown(*resources: tuple[str, str, list[str], str]) -> str:
    """Return what `terraform show -json` prints for addresses, types, actions and names."""
    found: list[Any] = []
    for address, of_type, actions, name in resources:
        before = None if actions == ["create"] else {"name": name}
        after = None if actions == ["delete"] else {"name": name}
        change = {"actions": actions, "before": before, "after": after, "after_unknown": {}}
        found.append({"address": address, "type": of_type, "change": change})
    return json.dumps({"format_version": "1.2", "resource_changes": found})


def change(address: str, kind: str, of_type: str = FUNCTION, name: str = "users") -> Change:
    return Change(address, of_type, kind, name)


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
def test_every_action_has_a_name(actions: list[str], kind: str) -> None:
    assert changes(shown((USERS, FUNCTION, actions, "users"))) == [change(USERS, kind)]


@pytest.mark.parametrize("actions", [["no-op"], ["read"]], ids=str)
def test_what_stays_is_no_change(actions: list[str]) -> None:
    assert changes(shown((USERS, FUNCTION, actions, "users"))) == []


def test_a_plan_without_changes_has_none() -> None:
    assert changes('{"format_version": "1.2"}') == []
    assert summary([]) == ["nothing is to change"]


def test_the_summary_begins_with_what_is_lost() -> None:
    topic = change("google_pubsub_topic.t", "add", "google_pubsub_topic", "t")
    some = [change(USERS, "change"), topic, change(CHAT, "destroy")]
    assert summary(some) == [
        "1 to add, 1 to change, 0 to replace, 1 to destroy",
        f"  destroy {CHAT}",
        f"  change  {USERS}",
        "  add     google_pubsub_topic.t",
    ]
    assert summary([change("a", "forget")])[0].endswith("0 to destroy, 1 to forget")


def test_services_that_run_already_are_those_that_are_updated() -> None:
    found = changes(
        shown(
            (USERS, FUNCTION, ["update"], "users"),
            (CHAT, "google_cloud_run_v2_service", ["update"], "chat"),
            ("new", FUNCTION, ["create"], "events"),
            ("same", FUNCTION, ["no-op"], "social"),
            ("not ours", FUNCTION, ["update"], "other"),
            ("google_pubsub_topic.ai", "google_pubsub_topic", ["update"], "ai"),
        )
    )
    assert services(found) == {"users", "chat"}


@pytest.mark.parametrize("kind", ["replace", "destroy"])
@pytest.mark.parametrize(
    "of_type",
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
def test_what_no_release_brings_back_is_not_let_go(of_type: str, kind: str) -> None:
    some = [change("the.address", kind, of_type)]
    assert refusals(some, []) == [f"the.address would be lost ({kind})"]
    assert refusals(some, ["another"]) == refusals(some, [])
    assert refusals(some, ["the.address"]) == []


def test_what_is_made_anew_at_each_release_may_go() -> None:
    archive = change("google_storage_bucket_object.a", "replace", "google_storage_bucket_object")
    kept = change("google_storage_bucket.b", "change", "google_storage_bucket")
    assert refusals([archive, kept], []) == []


def test_a_plan_that_is_as_agreed_has_no_differences() -> None:
    some = [change(USERS, "change"), change("other", "add")]
    assert differences(some, some, ["users"]) == []


def test_what_is_only_in_one_plan_or_differs_is_told() -> None:
    first = [change("a", "add", "t", ""), change("b", "change", "t", "")]
    second = [change("b", "replace", "t", ""), change("c", "destroy", "t", "")]
    assert differences(first, second, []) == [
        "a: add before, nothing now",
        "b: change before, replace now",
        "c: nothing before, destroy now",
    ]


def test_a_function_that_is_held_need_not_change_any_more() -> None:
    first = [change(USERS, "change")]
    assert differences(first, [], ["users"]) == []
    assert differences(first, [], ["events"]) == [f"{USERS}: change before, nothing now"]
    assert differences(first, [change(USERS, "replace")], ["users"]) == [
        f"{USERS}: change before, replace now"
    ]
    assert differences([], [change(USERS, "change")], ["users"]) == [
        f"{USERS}: nothing before, change now"
    ]
