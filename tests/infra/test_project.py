"""What everything stands on: APIs, archives, logs."""

import re
from typing import Any

import pytest

from tests.infra.configuration import modules, parsed, types_in_use
from tests.infra.environments import INFRA
from tests.infra.log_filter import entry_of, finds
from tests.infra.made import Made

# By the beginning of a type. Resource Manager is needed before Terraform can be: the first
# deployment's instructions turn it on.
API_OF = {
    "artifact_registry": "artifactregistry",
    "billing_budget": "billingbudgets",
    "cloud_run_v2": "run",
    "cloud_scheduler": "cloudscheduler",
    "cloudbuild": "cloudbuild",
    "cloudfunctions2": "cloudfunctions",
    "compute": "compute",
    "firestore": "firestore",
    "iam_workload_identity_pool": "iam",
    "logging": "logging",
    "monitoring": "monitoring",
    "project_iam": None,
    "project_service": None,
    "pubsub": "pubsub",
    "secret_manager": "secretmanager",
    "service_account": "iam",
    "storage": "storage",
}
# What these need in turn: functions are built and stored, federated identities exchanged.
BEHIND_THEM = {"artifactregistry", "cloudbuild", "iamcredentials", "run", "sts"}
CALLED_BY_THE_CODE = {
    "androidpublisher",
    "firestore",
    "pubsub",
    "secretmanager",
    "telemetry",
}
# What is decided by a command after a release; Terraform would put it back as it was at first.
LEFT_ALONE = {
    ("google_cloud_run_v2_service", "chat"): "traffic",  # ./scripts/deploy, ./scripts/rollback
    ("google_cloud_scheduler_job", "cleanup"): "paused",  # ./scripts/cleanup
    ("google_storage_bucket_object", "releases"): "content",  # ./scripts/deploy
    ("google_storage_bucket_object", "traffic"): "content",  # ./scripts/traffic
}
# What others use until the next one is there: else there is a gap, or a refusal.
REPLACED_BEFORE_IT_GOES = {
    ("google_compute_backend_service", "old"),
    ("google_compute_managed_ssl_certificate", "this"),
    ("google_project_iam_member", "store"),
}
_MONTH_DAYS = 30
# Losing one of these loses data, or an address that others have written down.
NEVER_DESTROYED = {
    "google_compute_global_address",
    "google_firestore_database",
    "google_secret_manager_secret",
    "google_storage_bucket",
}


def test_the_apis_of_all_that_is_used_are_turned_on_and_no_other(made: Made) -> None:
    resources, _ = types_in_use(INFRA)
    needed = set()
    for type_ in resources:
        beginnings = [each for each in API_OF if type_.startswith(f"google_{each}")]
        assert beginnings, f"which API has {type_}?"
        needed.add(API_OF[max(beginnings, key=len)])
    expected = {api for api in needed if api} | BEHIND_THEM | CALLED_BY_THE_CODE
    assert {each["service"] for each in made.of("project_service")} == {
        f"{api}.googleapis.com" for api in expected
    }


def test_no_api_is_turned_off_that_others_may_use(made: Made) -> None:
    assert not any(each["disable_on_destroy"] for each in made.of("project_service"))


def test_archives_are_nobody_elses_business(made: Made) -> None:
    for bucket in made.of("storage_bucket"):
        assert bucket["uniform_bucket_level_access"]
        assert bucket["public_access_prevention"] == "enforced"
        # The shares of the traffic can be looked up as they were before.
        assert bucket.block("versioning")["enabled"]


def test_what_was_replaced_goes_in_the_end_and_what_is_in_use_never(made: Made) -> None:
    for bucket in made.of("storage_bucket"):
        for rule in bucket["lifecycle_rule"]:
            [condition] = rule["condition"]
            given = {name for name, value in condition.items() if value}
            given.discard("with_state")  # which Google says by itself
            assert given == {"days_since_noncurrent_time"}, bucket.address
            assert condition["days_since_noncurrent_time"] >= _MONTH_DAYS


@pytest.mark.parametrize("severity", ["INFO", "WARNING", "ERROR"])
def test_no_log_keeps_the_addresses_of_requests(made: Made, severity: str) -> None:
    [exclusion] = made.of("logging_project_exclusion")
    assert not exclusion["disabled"]
    # Of services, and of the balancer; their own lines stay.
    for log, is_excluded in (
        ("run.googleapis.com/requests", True),
        ("requests", True),
        ("run.googleapis.com/stdout", False),
        ("run.googleapis.com/stderr", False),
    ):
        assert finds(exclusion["filter"], entry_of({"severity": severity}, log)) is is_excluded


def lifecycles(type_: str) -> dict[str, dict[str, Any]]:
    """Return what is said of the life of the resources of a type, by their names."""
    found = [
        (name, body)
        for module in modules(INFRA)
        for path in module.glob("*.tf")
        for block in parsed(path).get("resource", [])
        for name, body in block.get(type_, {}).items()
    ]
    return {name: body.get("lifecycle", [{}])[0] for name, body in found}


@pytest.mark.parametrize("type_", sorted(NEVER_DESTROYED))
def test_terraform_refuses_to_destroy_what_cannot_be_made_again(type_: str) -> None:
    assert lifecycles(type_)
    for name, lifecycle in lifecycles(type_).items():
        assert lifecycle.get("prevent_destroy") is True, name


@pytest.mark.parametrize(("type_", "name"), sorted(LEFT_ALONE))
def test_what_commands_decide_is_left_to_them(type_: str, name: str) -> None:
    ignored = str(lifecycles(type_)[name].get("ignore_changes"))
    assert LEFT_ALONE[type_, name] in re.findall(r"\w+", ignored)


@pytest.mark.parametrize(("type_", "name"), sorted(REPLACED_BEFORE_IT_GOES))
def test_what_is_in_use_goes_after_the_next_one_is_there(type_: str, name: str) -> None:
    assert lifecycles(type_)[name].get("create_before_destroy") is True


def test_google_too_refuses_to_delete_what_would_be_missed(made: Made) -> None:
    for each in [*made.of("secret_manager_secret"), *made.of("cloud_run_v2_service")]:
        assert each["deletion_protection"], each.address


def test_terraform_remembers_in_a_bucket_under_the_name_that_it_has_always_had() -> None:
    [settings] = parsed(INFRA / "versions.tf")["terraform"]
    # By another name it would remember nothing, and make everything a second time.
    assert settings["backend"] == [{"gcs": {"prefix": "liftlog"}}]


def test_calls_are_counted_for_the_environments_own_project() -> None:
    [provider] = parsed(INFRA / "versions.tf")["provider"]
    # Else budgets, whose API asks for a project, could not be made.
    assert provider["google"]["user_project_override"] is True
    assert provider["google"]["billing_project"] == "${var.project}"
