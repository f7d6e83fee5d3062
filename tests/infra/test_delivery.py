"""Releases: the accounts that make and start them, and the limits of their permissions."""

import re

from tests.infra.configuration import used_types
from tests.infra.environments import (
    INFRA,
    PROJECT_NUMBER,
    REPOSITORY,
    REPOSITORY_ID,
    WORKFLOW,
    Environment,
)
from tests.infra.services import Grant, grants
from tests.infra.state import Resource, State
from tests.infra.test_roles import EXPORT_ROLES, RESOURCE_ROLES, SERVICE_ROLES, roles_of

_ON_PROJECT = "google_project_iam_member"
_ON_ACCOUNT = "google_service_account_iam_member"
_ON_BUCKET = "google_storage_bucket_iam_member"
_GRANT_ROLES = "roles/resourcemanager.projectIamAdmin"
_RUN_AS = "roles/iam.serviceAccountUser"
_IMPERSONATE = "roles/iam.serviceAccountTokenCreator"

TOO_POWERFUL = {
    "roles/cloudfunctions.admin",
    "roles/editor",
    "roles/iam.securityAdmin",
    "roles/iam.serviceAccountAdmin",
    "roles/iam.serviceAccountKeyAdmin",
    "roles/iam.serviceAccountTokenCreator",
    "roles/iam.serviceAccountUser",
    "roles/iam.workloadIdentityPoolAdmin",
    "roles/owner",
    "roles/run.admin",
    "roles/storage.admin",
}
"""On the whole project, each of these allows the deployer to act as any account, to read all
buckets, or to make a service public, the cleanup included."""

# The role that manages the resources of a type, by the prefix of the type. None: the role is
# granted with a condition or on one bucket, or a person with more permissions creates the resource.
MANAGING_ROLES = {
    "artifact_registry": "artifactregistry.admin",
    "billing_budget": None,
    "cloud_run_v2": "run.developer",
    "cloud_run_v2_service_iam": None,
    "cloud_scheduler": "cloudscheduler.admin",
    "cloudbuild": "cloudbuild.builds.editor",
    "cloudfunctions2": "cloudfunctions.developer",
    "compute": "compute.loadBalancerAdmin",
    "compute_security_policy": "compute.securityAdmin",
    "compute_ssl_policy": "compute.securityAdmin",
    "firestore": "datastore.owner",
    "iam_workload_identity_pool": "iam.workloadIdentityPoolViewer",
    "logging": "logging.configWriter",
    "monitoring": "monitoring.admin",
    "project_iam": None,
    "project_service": "serviceusage.serviceUsageAdmin",
    "pubsub": "pubsub.admin",
    "secret_manager": "secretmanager.admin",
    "service_account": "iam.serviceAccountViewer",
    "storage": None,
}
BUILD_LOG_ROLE = "logging.logWriter"


def deployer(state: State) -> Resource:
    """Return the service account that makes releases."""
    return state.one("service_account", account_id="liftlog-deployer")


def deployer_grants(state: State, type_: str) -> list[Grant]:
    """Return the deployer's grants that are resources of this type."""
    member = deployer(state)["member"]
    return [each for each in grants(state) if each[0] == member and each[2] == type_]


def release_members(state: State) -> set[str]:
    """Return the service accounts that make or start releases."""
    starters = state.of("service_account", account_id="liftlog-starter")
    return {each["member"] for each in (deployer(state), *starters)}


def test_deployer_has_no_role_that_leads_to_others(state: State) -> None:
    for _, role, _, values in deployer_grants(state, _ON_PROJECT):
        assert role not in TOO_POWERFUL
        assert role != _GRANT_ROLES or values["condition"]


def test_only_the_deployer_has_powerful_roles(state: State) -> None:
    powerful = {*TOO_POWERFUL, _GRANT_ROLES}
    members = {
        member
        for member, role, type_, _ in grants(state)
        if role in powerful and type_ != _ON_ACCOUNT
    }
    assert members == {deployer(state)["member"]}


def test_deployer_has_the_roles_for_infra_and_no_others(state: State) -> None:
    needed = {BUILD_LOG_ROLE}
    for type_ in used_types(INFRA)[0]:
        prefixes = [each for each in MANAGING_ROLES if type_.startswith(f"google_{each}")]
        assert prefixes, f"MANAGING_ROLES has no entry for {type_}"
        needed |= {role for role in (MANAGING_ROLES[max(prefixes, key=len)],) if role}
    unconditional = {
        role
        for _, role, _, values in deployer_grants(state, _ON_PROJECT)
        if not values["condition"]
    }
    assert unconditional == {f"roles/{each}" for each in needed}


def test_deployer_may_grant_only_roles_of_services_and_builds(state: State) -> None:
    [limit] = [
        values["condition"][0]["expression"]
        for _, role, _, values in deployer_grants(state, _ON_PROJECT)
        if role == _GRANT_ROLES
    ]
    listed = re.fullmatch(
        r"api\.getAttribute\('iam\.googleapis\.com/modifiedGrantsByRole', \[\]\)"
        r"\.hasOnly\(\[(('roles/[\w.]+'(, )?)+)\]\)",
        limit,
    )
    assert listed
    build = state.one("service_account", account_id="liftlog-build")["member"]
    of_builds = {
        role for member, role, type_, _ in grants(state) if (member, type_) == (build, _ON_PROJECT)
    }
    of_services = set().union(*SERVICE_ROLES.values()) - RESOURCE_ROLES
    grantable = {each.strip("'") for each in listed[1].split(", ")}
    assert grantable == of_services | EXPORT_ROLES | of_builds


def test_deployer_may_run_code_only_as_our_accounts(state: State) -> None:
    own_accounts = {
        each["name"]
        for each in state.of("service_account")
        if each["member"] not in release_members(state)
    }
    accounts = {
        values["service_account_id"]
        for _, role, _, values in deployer_grants(state, _ON_ACCOUNT)
        if role == _RUN_AS
    }
    assert accounts == own_accounts
    # On the project, this role would include every account.
    assert not [each for each in grants(state) if each[1:3] == (_RUN_AS, _ON_PROJECT)]


def test_deployer_may_access_the_buckets(state: State) -> None:
    buckets = {
        (values["bucket"], role) for _, role, _, values in deployer_grants(state, _ON_BUCKET)
    }
    names = {each["name"] for each in state.of("storage_bucket")}
    names |= {f"{state.outputs['project']}-terraform"}
    # Terraform also manages the IAM policies of the buckets.
    assert buckets == {(name, "roles/storage.admin") for name in names}


def test_deployer_and_operators_may_impersonate_the_trigger(environment: Environment) -> None:
    state = environment.state
    trigger = state.one("service_account", account_id="cleanup-trigger")
    members = {
        member
        for member, role, _, values in grants(state)
        if role == _IMPERSONATE
        and state.referenced("service_account", values["service_account_id"]) == trigger
    }
    assert members == {deployer(state)["member"], *environment.variables["operators"]}


def test_service_accounts_have_no_keys(state: State) -> None:
    assert state.of("service_account_key") == []


def test_workflows_have_no_access_without_a_repository(prod: State) -> None:
    assert prod.of("iam_workload_identity_pool") == []
    assert prod.of("cloudbuild_trigger") == []
    assert not [member for member, *_ in grants(prod) if member.startswith("principal")]


def test_only_the_release_workflow_of_main_may_start_builds(full: State) -> None:
    [provider] = full.of("iam_workload_identity_pool_provider")
    # The number of the repository: another owner can register its name again.
    assert provider["attribute_condition"].split(" && ") == [
        f"assertion.repository_id == '{REPOSITORY_ID}'",
        "assertion.ref == 'refs/heads/main'",
        f"assertion.workflow_ref == '{REPOSITORY}/{WORKFLOW}@refs/heads/main'",
    ]
    # Another issuer could sign any claims.
    assert provider.block("oidc")["issuer_uri"] == "https://token.actions.githubusercontent.com"
    assert provider["attribute_mapping"]["attribute.repository_id"] == "assertion.repository_id"
    [(member, role, _, values)] = [each for each in grants(full) if each[0].startswith("principal")]
    [pool] = full.of("iam_workload_identity_pool")
    pool_path = f"/workloadIdentityPools/{pool['workload_identity_pool_id']}"
    assert member.startswith(f"principalSet://iam.googleapis.com/projects/{PROJECT_NUMBER}/")
    assert member.endswith(f"{pool_path}/attribute.repository_id/{REPOSITORY_ID}")
    assert role == "roles/iam.workloadIdentityUser"
    starter = full.referenced("service_account", values["service_account_id"])
    assert starter["account_id"] == "liftlog-starter"
    assert roles_of(full, starter["member"]) == {"roles/cloudbuild.builds.editor", _RUN_AS}


def test_push_to_main_starts_a_release_as_the_deployer(full: State) -> None:
    [trigger] = full.of("cloudbuild_trigger")
    assert trigger.block("repository_event_config", "push")["branch"] == "^main$"
    assert full.referenced("service_account", trigger["service_account"]) == deployer(full)
    source = trigger.block("repository_event_config")["repository"]
    assert source == "projects/liftlog-prod/repositories/R"
    assert trigger["filename"] == "cloudbuild.yaml"
    assert trigger["substitutions"] == {"_ENVIRONMENT": "prod"}
