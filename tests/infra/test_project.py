"""What everything stands on: APIs, archives, logs."""

import pytest

from tests.infra.configuration import modules, parsed, types_in_use
from tests.infra.environments import INFRA
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


def test_no_log_keeps_the_addresses_of_requests(made: Made) -> None:
    [exclusion] = made.of("logging_project_exclusion")
    assert not exclusion["disabled"]
    # Of services, and of the balancer.
    assert 'log_id("run.googleapis.com/requests")' in exclusion["filter"]
    assert 'log_id("requests")' in exclusion["filter"]


@pytest.mark.parametrize("type_", sorted(NEVER_DESTROYED))
def test_terraform_refuses_to_destroy_what_cannot_be_made_again(type_: str) -> None:
    found = [
        body
        for module in modules(INFRA)
        for path in module.glob("*.tf")
        for block in parsed(path).get("resource", [])
        for body in block.get(type_, {}).values()
    ]
    assert found
    for body in found:
        assert [each["prevent_destroy"] for each in body["lifecycle"]] == [True]
