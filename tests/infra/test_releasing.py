"""The accounts that release: their roles, and the ways to start a release."""

import re

from tests.infra.environments import PROJECT_NUMBER, REPOSITORY, REPOSITORY_ID, WORKFLOW
from tests.infra.made import Made, Resource
from tests.infra.services import grants
from tests.infra.test_roles import OF_EXPORT, OF_SERVICES, ON_ONE_THING, roles_of

_RUN_AS = "roles/iam.serviceAccountUser"
# An account with one of these roles can give itself any other role.
_ADMIN_ROLES = {
    "roles/editor",
    "roles/iam.serviceAccountKeyAdmin",
    "roles/iam.serviceAccountTokenCreator",
    "roles/owner",
    "roles/resourcemanager.projectIamAdmin",
}


def deployer(made: Made) -> Resource:
    """Return the service account that releases."""
    return made.one("service_account", account_id="liftlog-deployer")


def test_deployer_grants_only_roles_of_services_and_builds(made: Made) -> None:
    [conditional] = [
        values
        for who, role, _, values in grants(made)
        if who == deployer(made)["member"] and role == "roles/resourcemanager.projectIamAdmin"
    ]
    [condition] = conditional["condition"]
    assert "modifiedGrantsByRole', []).hasOnly([" in condition["expression"]
    grantable = set(re.findall(r"'(roles/[\w.]+)'", condition["expression"]))
    build = made.one("service_account", account_id="liftlog-build")["member"]
    of_project = {
        role
        for who, role, type_, _ in grants(made)
        if who == build and type_ == "google_project_iam_member"
    }
    of_services = set().union(*OF_SERVICES.values()) - ON_ONE_THING
    assert grantable == of_services | OF_EXPORT | of_project


def test_deployer_has_no_unconditional_admin_role(made: Made) -> None:
    for who, role, type_, values in grants(made):
        # A role on one service account is limited to the roles of that account.
        if role in _ADMIN_ROLES and type_ != "google_service_account_iam_member":
            assert who == deployer(made)["member"]
            assert values["condition"], role


def test_deployer_acts_only_as_our_service_accounts(made: Made) -> None:
    named = {
        made.referred("service_account", values["service_account_id"])["account_id"]
        for who, role, type_, values in grants(made)
        if who == deployer(made)["member"]
        and role == _RUN_AS
        and type_ == "google_service_account_iam_member"
    }
    assert named == {*(f"liftlog-{each}" for each in (*OF_SERVICES, "build")), "cleanup-trigger"}
    assert not [
        who
        for who, role, type_, _ in grants(made)
        if role == _RUN_AS and type_ == "google_project_iam_member"
    ]


def test_service_accounts_have_no_keys(made: Made) -> None:
    assert made.of("service_account_key") == []


def test_no_external_access_without_a_repository(prod: Made) -> None:
    assert prod.of("iam_workload_identity_pool") == []
    assert prod.of("cloudbuild_trigger") == []
    assert not [who for who, *_ in grants(prod) if who.startswith("principal")]


def test_only_the_release_workflow_of_main_starts_builds(full: Made) -> None:
    [provider] = full.of("iam_workload_identity_pool_provider")
    # By number: another owner can register a deleted name again.
    assert provider["attribute_condition"].split(" && ") == [
        f"assertion.repository_id == '{REPOSITORY_ID}'",
        "assertion.ref == 'refs/heads/main'",
        f"assertion.workflow_ref == '{REPOSITORY}/{WORKFLOW}@refs/heads/main'",
    ]
    # Another issuer could sign tokens with any repository in them.
    assert provider.block("oidc")["issuer_uri"] == "https://token.actions.githubusercontent.com"
    assert provider["attribute_mapping"]["attribute.repository_id"] == "assertion.repository_id"
    [(who, role, values)] = [
        (who, role, values) for who, role, _, values in grants(full) if who.startswith("principal")
    ]
    [pool] = full.of("iam_workload_identity_pool")
    named = f"/workloadIdentityPools/{pool['workload_identity_pool_id']}"
    assert who.startswith(f"principalSet://iam.googleapis.com/projects/{PROJECT_NUMBER}/")
    assert who.endswith(f"{named}/attribute.repository_id/{REPOSITORY_ID}")
    assert role == "roles/iam.workloadIdentityUser"
    starter = full.referred("service_account", values["service_account_id"])
    assert starter["account_id"] == "liftlog-starter"
    assert roles_of(full, starter["member"]) == {"roles/cloudbuild.builds.editor", _RUN_AS}


def test_push_to_main_releases_as_the_deployer(full: Made) -> None:
    [trigger] = full.of("cloudbuild_trigger")
    assert trigger.block("repository_event_config", "push")["branch"] == "^main$"
    assert full.referred("service_account", trigger["service_account"]) == deployer(full)
    source = trigger.block("repository_event_config")["repository"]
    assert source == "projects/liftlog-prod/repositories/R"
    assert trigger["filename"] == "cloudbuild.yaml"
    assert trigger["substitutions"] == {"_ENVIRONMENT": "prod"}
