"""IAM: one service account per service, with only the roles that its code needs."""

from collections.abc import Iterator

import pytest

from scripts.local.ports import CALLED_BY_APPS, SERVICES
from tests.infra.services import (
    PUBSUB_AGENT,
    account,
    accounts,
    grants,
    variables,
)
from tests.infra.state import State

_DATABASE = "roles/datastore.user"
_TRACES = "roles/telemetry.tracesWriter"
_METRICS = "roles/telemetry.metricsWriter"
_SECRETS = "roles/secretmanager.secretAccessor"
_PUBLISH = "roles/pubsub.publisher"
_INVOKE = "roles/run.invoker"
_OBJECTS = "roles/storage.objectUser"

# Roles that are granted on one resource, such as a topic or a secret. All others are on the
# project.
RESOURCE_ROLES = {_SECRETS, _PUBLISH, _INVOKE, _OBJECTS}
SERVICE_ROLES = {
    "users": {_DATABASE},
    "events": {_DATABASE},
    "social": {_DATABASE},
    "sharing": {_DATABASE},
    "ai": {_DATABASE, _SECRETS},
    "chat": {_DATABASE, _SECRETS},
    "backup": {_SECRETS, _OBJECTS},
    "cleanup": {_DATABASE},
}
EXPORT_ROLES = {_TRACES, _METRICS}
"""Additional roles of services that export telemetry to Google Cloud."""

PRIMITIVE = {"roles/owner", "roles/editor", "roles/viewer"}
PUBLIC = {"allUsers", "allAuthenticatedUsers"}


def roles_of(state: State, member: str) -> set[str]:
    """Return the roles of a member on any resource."""
    return {role for each, role, _, _ in grants(state) if each == member}


def callable_services(state: State, member: str) -> Iterator[str]:
    """Yield the services that a member may call."""
    for each, role, type_, values in grants(state):
        if each == member and role == _INVOKE:
            assert type_ == "google_cloud_run_v2_service_iam_member", type_
            yield values["name"]


def test_services_run_as_different_accounts(state: State) -> None:
    assert len(set(accounts(state).values())) == len(SERVICES)
    for service, email in accounts(state).items():
        [account_] = state.of("service_account", email=email)
        assert account_["account_id"] == f"liftlog-{service}"


@pytest.mark.parametrize("service", SERVICES)
def test_service_has_only_its_roles(state: State, service: str) -> None:
    roles = roles_of(state, f"serviceAccount:{account(state, service)}")
    assert roles - EXPORT_ROLES == SERVICE_ROLES[service]
    is_exporting = variables(state, service)["TELEMETRY_EXPORT"] == "google"
    assert roles & EXPORT_ROLES == (EXPORT_ROLES if is_exporting else set())


def test_resource_roles_are_not_granted_on_the_project(state: State) -> None:
    for member, role, type_, _ in grants(state):
        if role in RESOURCE_ROLES:
            assert type_ != "google_project_iam_member", (member, role)


def test_only_pubsub_itself_may_publish(state: State) -> None:
    assert {member for member, role, _, _ in grants(state) if role == _PUBLISH} == {PUBSUB_AGENT}


def test_primitive_roles_are_not_granted(state: State) -> None:
    assert not [each for each in grants(state) if each[1] in PRIMITIVE]


def test_other_members_are_operators_or_workflows(state: State) -> None:
    own = {each["member"] for each in state.of("service_account")}
    others = {member for member, *_ in grants(state)} - own - PUBLIC - {PUBSUB_AGENT}
    # test_delivery.py has the tests of operators and workflows.
    assert all(each.startswith(("user:", "group:", "principalSet://")) for each in others)


def test_operators_may_only_impersonate_the_trigger(state: State) -> None:
    [trigger] = state.of("service_account", account_id="cleanup-trigger")
    for member, role, type_, values in grants(state):
        if member.startswith(("user:", "group:")):
            assert type_ == "google_service_account_iam_member"
            assert role == "roles/iam.serviceAccountTokenCreator"
            assert state.referenced("service_account", values["service_account_id"]) == trigger


def test_access_to_objects_is_limited_to_one_bucket(state: State) -> None:
    for member, role, type_, values in grants(state):
        if role.startswith("roles/storage.object") and type_ != "google_storage_bucket_iam_member":
            # The platform creates that bucket, so the grant is on the project, with a condition.
            [condition] = values["condition"]
            prefix = 'resource.name.startsWith("projects/_/buckets/gcf-v2-sources-'
            assert condition["expression"].startswith(prefix), member


def test_no_resource_removes_grants_of_others(state: State) -> None:
    types = {each.type for each in state.resources}
    assert not {each for each in types if each.endswith(("_iam_binding", "_iam_policy"))}


def test_public_services_are_those_of_the_apps(state: State) -> None:
    assert sorted(callable_services(state, "allUsers")) == sorted([*CALLED_BY_APPS, "chat"])
    assert {role for member, role, _, _ in grants(state) if member in PUBLIC} == {_INVOKE}
    assert not list(callable_services(state, "allAuthenticatedUsers"))


def test_only_the_trigger_may_call_the_cleanup(state: State) -> None:
    callers = {
        member for member, role, _, _ in grants(state) if role == _INVOKE and member not in PUBLIC
    }
    [trigger] = state.of("service_account", account_id="cleanup-trigger")
    assert callers == {trigger["member"]}
    assert list(callable_services(state, trigger["member"])) == ["cleanup"]
    assert roles_of(state, trigger["member"]) == {_INVOKE}
