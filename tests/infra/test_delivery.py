"""Who releases, and what that account may not do."""

import re

from tests.infra.configuration import parsed, types_in_use
from tests.infra.environments import INFRA, Environment
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
    "roles/cloudfunctions.admin",
    "roles/run.admin",
    "roles/storage.admin",
}
"""One of these in the whole project is enough to become any account, to read all buckets, or to
make a service public, the cleanup included."""

# By the beginning of a type: with which role it is made, or only looked at, if a person makes it.
# None: that is given on a condition, for one bucket, or by whoever administers the billing account;
# or a person makes it, and another role of the list lets it be looked at.
MADE_BY = {
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
FOR_ITS_OWN_LOG = "logging.logWriter"


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


def test_it_has_the_roles_that_make_what_is_described_here_and_no_other(made: Made) -> None:
    needed = {FOR_ITS_OWN_LOG}
    for type_ in types_in_use(INFRA)[0]:
        beginnings = [each for each in MADE_BY if type_.startswith(f"google_{each}")]
        assert beginnings, f"with which role is {type_} made?"
        needed |= {role for role in (MADE_BY[max(beginnings, key=len)],) if role}
    of_project = {
        role
        for member, role, type_, values in grants(made)
        if (member, type_) == (deployer(made)["member"], _OF_PROJECT) and not values["condition"]
    }
    assert of_project == {f"roles/{each}" for each in needed}


def test_it_gives_the_roles_that_services_and_builds_have_and_no_other(made: Made) -> None:
    [limit] = [
        values["condition"][0]["expression"]
        for member, role, _, values in grants(made)
        if (member, role) == (deployer(made)["member"], _GRANTS)
    ]
    listed = re.fullmatch(
        r"api\.getAttribute\('iam\.googleapis\.com/modifiedGrantsByRole', \[\]\)"
        r"\.hasOnly\(\[(('roles/[\w.]+'(, )?)+)\]\)",
        limit,
    )
    assert listed
    may_be_given = {each.strip("'") for each in listed[1].split(", ")}
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
        (values["bucket"], role)
        for member, role, type_, values in grants(made)
        if member == deployer(made)["member"] and type_ == "google_storage_bucket_iam_member"
    }
    names = {made.outputs["sources_bucket"], f"{made.outputs['project']}-terraform"}
    # It also looks after who has access to them.
    assert buckets == {(name, "roles/storage.admin") for name in names}


def test_whoever_releases_asks_the_cleanup_as_its_trigger(environment: Environment) -> None:
    made = environment.made
    trigger = made.one("service_account", account_id="cleanup-trigger")
    asking = {
        member
        for member, role, _, values in grants(made)
        if role == "roles/iam.serviceAccountTokenCreator"
        and made.referred("service_account", values["service_account_id"]) == trigger
    }
    operators = parsed(INFRA / f"{environment.name.split()[0]}.tfvars")["operators"]
    assert asking == {deployer(made)["member"], *operators}
