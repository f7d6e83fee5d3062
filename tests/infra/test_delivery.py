"""Who releases, and what that account may not do."""

import re

from tests.infra.made import Made, Resource
from tests.infra.services import grants

_OF_PROJECT = "google_project_iam_member"
_OF_ACCOUNT = "google_service_account_iam_member"
_GRANTS = "roles/resourcemanager.projectIamAdmin"
LETS_IN = {
    "roles/iam.securityAdmin",
    "roles/iam.serviceAccountAdmin",
    "roles/iam.serviceAccountTokenCreator",
    "roles/iam.serviceAccountUser",
    "roles/iam.workloadIdentityPoolAdmin",
    "roles/storage.admin",
}
"""Who has one of these in the whole project can make itself anybody, or read everything."""


def deployer(made: Made) -> Resource:
    """Return the account that releases."""
    return made.one("service_account", account_id="liftlog-deployer")


def releasing(made: Made) -> set[str]:
    """Return the accounts that make releases, or begin them."""
    starters = made.of("service_account", account_id="liftlog-starter")
    return {each["member"] for each in (deployer(made), *starters)}


def test_the_account_that_releases_makes_itself_nobody_else(made: Made) -> None:
    for member, role, type_, values in grants(made):
        if member == deployer(made)["member"] and type_ == _OF_PROJECT:
            assert role not in LETS_IN
            assert role != _GRANTS or values["condition"]


def test_it_gives_the_roles_that_services_and_builds_have_and_no_other(made: Made) -> None:
    [limit] = [
        values["condition"][0]["expression"]
        for member, role, _, values in grants(made)
        if (member, role) == (deployer(made)["member"], _GRANTS)
    ]
    assert limit.startswith("api.getAttribute('iam.googleapis.com/modifiedGrantsByRole', [])")
    may_be_given = set(re.findall(r"'(roles/[\w.]+)'", limit))
    of_others = {
        role
        for member, role, type_, _ in grants(made)
        if type_ == _OF_PROJECT and member not in releasing(made)
    }
    exported = {"roles/telemetry.tracesWriter", "roles/telemetry.metricsWriter"}
    assert may_be_given == of_others | exported


def test_it_lets_what_it_deploys_run_as_our_own_accounts_alone(made: Made) -> None:
    ours = {
        each["name"] for each in made.of("service_account") if each["member"] not in releasing(made)
    }
    used = {
        values["service_account_id"]
        for member, role, type_, values in grants(made)
        if (member, role) == (deployer(made)["member"], "roles/iam.serviceAccountUser")
        and type_ == _OF_ACCOUNT
    }
    assert used == ours


def test_it_reaches_the_archives_and_what_terraform_remembers(made: Made) -> None:
    buckets = {
        values["bucket"]
        for member, _, type_, values in grants(made)
        if member == deployer(made)["member"] and type_ == "google_storage_bucket_iam_member"
    }
    project = made.outputs["project"]
    assert buckets == {made.outputs["sources_bucket"], f"{project}-terraform"}
