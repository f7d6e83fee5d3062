"""The base of an environment: APIs, buckets, logs, and lifecycles of resources."""

import re

import pytest

from tests.infra.configuration import Body, modules, parse, used_types
from tests.infra.environments import INFRA
from tests.infra.log_filter import log_entry, matches
from tests.infra.state import State

# By the prefix of a type. Resource Manager is missing: Terraform itself needs it, so the
# instructions for the first deployment enable it.
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
# APIs that the APIs above need: for builds, images and the exchange of federated identities.
INDIRECT_APIS = {"artifactregistry", "cloudbuild", "iamcredentials", "run", "sts"}
APIS_OF_THE_CODE = {
    "androidpublisher",
    "firestore",
    "pubsub",
    "secretmanager",
    "telemetry",
}
# Attributes that commands change after a release. Terraform would reset them otherwise.
IGNORED_ATTRIBUTES = {
    ("google_cloud_run_v2_service", "chat"): "traffic",  # ./scripts/deploy, ./scripts/rollback
    ("google_cloud_scheduler_job", "cleanup"): "paused",  # ./scripts/cleanup
    ("google_storage_bucket_object", "releases"): "content",  # ./scripts/deploy
    ("google_storage_bucket_object", "traffic"): "content",  # ./scripts/traffic
}
# Resources in use. Deleting them before the replacement exists causes a gap or an error.
CREATED_BEFORE_DESTROY = {
    ("google_compute_backend_service", "old"),
    ("google_compute_managed_ssl_certificate", "this"),
    ("google_project_iam_member", "database"),
}
_MONTH_DAYS = 30
# Destroying one of these loses data, or an IP address in a DNS record.
NEVER_DESTROYED = {
    "google_compute_global_address",
    "google_firestore_database",
    "google_secret_manager_secret",
    "google_storage_bucket",
}


def test_enabled_apis_are_those_in_use(state: State) -> None:
    resources, _ = used_types(INFRA)
    needed = set()
    for type_ in resources:
        prefixes = [each for each in API_OF if type_.startswith(f"google_{each}")]
        assert prefixes, f"API_OF has no entry for {type_}"
        needed.add(API_OF[max(prefixes, key=len)])
    expected = {api for api in needed if api} | INDIRECT_APIS | APIS_OF_THE_CODE
    assert {each["service"] for each in state.of("project_service")} == {
        f"{api}.googleapis.com" for api in expected
    }


def test_destroy_keeps_apis_enabled(state: State) -> None:
    assert not any(each["disable_on_destroy"] for each in state.of("project_service"))


def test_buckets_are_private(state: State) -> None:
    assert len(state.of("storage_bucket")) == 2
    for bucket in state.of("storage_bucket"):
        assert bucket["uniform_bucket_level_access"]
        assert bucket["public_access_prevention"] == "enforced"
        assert bucket["location"] == state.outputs["region"]


def test_earlier_traffic_splits_stay_readable(state: State) -> None:
    bucket = state.one("storage_bucket", name=state.outputs["sources_bucket"])
    assert bucket.block("versioning")["enabled"]
    condition = bucket.block("lifecycle_rule", "condition")
    used = {name for name, value in condition.items() if value}
    used.discard("with_state")  # Google sets it
    assert used == {"days_since_noncurrent_time"}
    assert condition["days_since_noncurrent_time"] >= _MONTH_DAYS


@pytest.mark.parametrize("severity", ["INFO", "WARNING", "ERROR"])
def test_request_logs_are_excluded(state: State, severity: str) -> None:
    [exclusion] = state.of("logging_project_exclusion")
    assert not exclusion["disabled"]
    # The request logs of services and of the load balancer. Lines of the services stay.
    for log, is_excluded in (
        ("run.googleapis.com/requests", True),
        ("requests", True),
        ("run.googleapis.com/stdout", False),
        ("run.googleapis.com/stderr", False),
    ):
        assert matches(exclusion["filter"], log_entry({"severity": severity}, log)) is is_excluded


def lifecycles(type_: str) -> dict[str, Body]:
    """Return the `lifecycle` blocks of a type's resources, by name."""
    found = [
        (name, body)
        for module in modules(INFRA)
        for path in module.glob("*.tf")
        for block in parse(path).get("resource", [])
        for name, body in block.get(type_, {}).items()
    ]
    return {name: body.get("lifecycle", [{}])[0] for name, body in found}


@pytest.mark.parametrize("type_", sorted(NEVER_DESTROYED))
def test_terraform_does_not_destroy_irreplaceable_types(type_: str) -> None:
    assert lifecycles(type_)
    for name, lifecycle in lifecycles(type_).items():
        assert lifecycle.get("prevent_destroy") is True, name


@pytest.mark.parametrize(("type_", "name"), sorted(IGNORED_ATTRIBUTES))
def test_terraform_ignores_attributes_of_commands(type_: str, name: str) -> None:
    ignored = str(lifecycles(type_)[name].get("ignore_changes"))
    assert IGNORED_ATTRIBUTES[type_, name] in re.findall(r"\w+", ignored)


@pytest.mark.parametrize(("type_", "name"), sorted(CREATED_BEFORE_DESTROY))
def test_resource_in_use_is_replaced_without_a_gap(type_: str, name: str) -> None:
    assert lifecycles(type_)[name].get("create_before_destroy") is True


def test_google_protects_secrets_and_chat_from_deletion(state: State) -> None:
    for each in [*state.of("secret_manager_secret"), *state.of("cloud_run_v2_service")]:
        assert each["deletion_protection"], each.address


def test_state_prefix_is_fixed() -> None:
    [settings] = parse(INFRA / "versions.tf")["terraform"]
    # With another prefix Terraform would find no state, and create everything a second time.
    assert settings["backend"] == [{"gcs": {"prefix": "liftlog"}}]


def test_api_quota_is_that_of_the_environments_project() -> None:
    [provider] = parse(INFRA / "versions.tf")["provider"]
    # The API of budgets rejects requests without a quota project.
    assert provider["google"]["user_project_override"] is True
    assert provider["google"]["billing_project"] == "${var.project}"
