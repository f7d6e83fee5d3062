"""Who may do what: one account per service, with no more than its code needs."""

from collections.abc import Iterator

import pytest

from scripts.local.ports import CALLED_BY_APPS, FUNCTIONS, SERVICES
from tests.infra.made import Made
from tests.infra.services import (
    AGENT,
    account,
    accounts,
    function,
    grants,
    variables,
)

_STORE = "roles/datastore.user"
_TRACES = "roles/telemetry.tracesWriter"
_METRICS = "roles/telemetry.metricsWriter"
_SECRETS = "roles/secretmanager.secretAccessor"
_PUBLISH = "roles/pubsub.publisher"
_CALL = "roles/run.invoker"

# Of single things: a topic, a secret. Everything else is of the whole project.
ON_ONE_THING = {_SECRETS, _PUBLISH, _CALL}
OF_SERVICES = {
    "users": {_STORE},
    "events": {_STORE},
    "social": {_STORE},
    "sharing": {_STORE},
    "ai": {_STORE, _SECRETS},
    "chat": {_STORE, _SECRETS},
    "cleanup": {_STORE},
}
OF_EXPORT = {_TRACES, _METRICS}
"""Of every service, where traces and metrics go to Google Cloud."""

PRIMITIVE = {"roles/owner", "roles/editor", "roles/viewer"}
PUBLIC = {"allUsers", "allAuthenticatedUsers"}


def roles_of(made: Made, member: str) -> set[str]:
    """Return the roles that a member has, wherever."""
    return {role for who, role, _, _ in grants(made) if who == member}


def called(made: Made, member: str) -> Iterator[str]:
    """Yield the services that a member may call."""
    for who, role, type_, values in grants(made):
        if who == member and role == _CALL:
            assert type_ == "google_cloud_run_v2_service_iam_member", type_
            yield values["name"]


def test_every_service_runs_as_an_account_of_its_own(made: Made) -> None:
    assert len(set(accounts(made).values())) == len(SERVICES)
    for service, email in accounts(made).items():
        [there] = made.of("service_account", email=email)
        assert there["account_id"] == f"liftlog-{service}"


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_has_the_roles_that_it_needs_and_no_other(made: Made, service: str) -> None:
    roles = roles_of(made, f"serviceAccount:{account(made, service)}")
    assert roles - OF_EXPORT == OF_SERVICES[service]
    is_exporting = variables(made, service)["TELEMETRY_EXPORT"] == "google"
    assert roles & OF_EXPORT == (OF_EXPORT if is_exporting else set())


def test_what_is_about_one_thing_is_granted_for_one_thing(made: Made) -> None:
    for member, role, type_, _ in grants(made):
        if role in ON_ONE_THING:
            assert type_ != "google_project_iam_member", (member, role)


def test_only_pubsub_itself_publishes_to_a_topic(made: Made) -> None:
    assert {who for who, role, _, _ in grants(made) if role == _PUBLISH} == {AGENT}


def test_nobody_has_a_primitive_role(made: Made) -> None:
    assert not [each for each in grants(made) if each[1] in PRIMITIVE]


def test_nobody_else_may_do_anything(made: Made) -> None:
    own = {each["member"] for each in made.of("service_account")}
    strangers = {who for who, *_ in grants(made)} - own - PUBLIC - {AGENT}
    # Whoever releases; workflows of the repository's host, where there is one, are the business of
    # test_delivery.py.
    assert all(who.startswith(("user:", "group:", "principalSet://")) for who in strangers)


def test_people_may_ask_for_a_token_of_the_trigger_and_nothing_else(made: Made) -> None:
    [trigger] = made.of("service_account", account_id="cleanup-trigger")
    for who, role, type_, values in grants(made):
        if who.startswith(("user:", "group:")):
            assert type_ == "google_service_account_iam_member"
            assert role == "roles/iam.serviceAccountTokenCreator"
            assert made.referred("service_account", values["service_account_id"]) == trigger


def test_whoever_builds_the_functions_reads_archives_and_writes_images_and_logs(
    made: Made,
) -> None:
    [build] = made.of("service_account", account_id="liftlog-build")
    assert roles_of(made, build["member"]) == {
        "roles/artifactregistry.writer",
        "roles/logging.logWriter",
        "roles/storage.objectViewer",
    }
    for name in FUNCTIONS:
        used = function(made, name).block("build_config")["service_account"]
        assert made.referred("service_account", used) == build


def test_nobody_reads_all_archives_but_by_the_bucket(made: Made) -> None:
    for member, role, type_, values in grants(made):
        if role.startswith("roles/storage.object") and type_ != "google_storage_bucket_iam_member":
            # The platform makes that bucket, with the first function.
            [condition] = values["condition"]
            only = 'resource.name.startsWith("projects/_/buckets/gcf-v2-sources-'
            assert condition["expression"].startswith(only), member


def test_no_grant_takes_away_those_of_others(made: Made) -> None:
    types = {each.type for each in made.resources}
    assert not {each for each in types if each.endswith(("_iam_binding", "_iam_policy"))}


def test_everybody_may_call_what_apps_call_and_nothing_else(made: Made) -> None:
    assert sorted(called(made, "allUsers")) == sorted([*CALLED_BY_APPS, "chat"])
    assert {role for who, role, _, _ in grants(made) if who in PUBLIC} == {_CALL}
    assert not list(called(made, "allAuthenticatedUsers"))


def test_nobody_but_the_trigger_calls_the_cleanup(made: Made) -> None:
    callers = {who for who, role, _, _ in grants(made) if role == _CALL and who not in PUBLIC}
    [trigger] = made.of("service_account", account_id="cleanup-trigger")
    assert callers == {trigger["member"]}
    assert list(called(made, trigger["member"])) == ["cleanup"]
    assert roles_of(made, trigger["member"]) == {_CALL}
