"""Builds of the functions: their service account and their image repository."""

from scripts.local.ports import FUNCTIONS
from tests.infra.environments import PROJECT_NUMBER
from tests.infra.services import function, grants
from tests.infra.state import Resource, State, parse_seconds

_ARCHIVES = f"projects/_/buckets/gcf-v2-sources-{PROJECT_NUMBER}"
_MONTH_S = 30 * 24 * 60 * 60


def builder(state: State) -> Resource:
    """Return the service account of builds."""
    return state.one("service_account", account_id="liftlog-build")


def test_functions_use_the_build_account_and_repository(state: State) -> None:
    repository = state.one("artifact_registry_repository", repository_id="functions")
    for name in FUNCTIONS:
        build = function(state, name).block("build_config")
        assert build["service_account"] == builder(state)["id"]
        assert build["docker_repository"] == repository["id"]


def test_build_account_has_only_its_three_roles(state: State) -> None:
    roles = {
        role: values
        for member, role, _, values in grants(state)
        if member == builder(state)["member"]
    }
    assert roles.keys() == {
        "roles/artifactregistry.writer",
        "roles/logging.logWriter",
        "roles/storage.objectViewer",
    }
    # The platform builds from its own copy of an archive, so the account needs no other bucket.
    [condition] = roles["roles/storage.objectViewer"]["condition"]
    assert f'resource.name.startsWith("{_ARCHIVES}-' in condition["expression"]
    # A dependency of a function must not be able to replace the image of the chat.
    name = roles["roles/artifactregistry.writer"]["repository"]
    assert state.referenced("artifact_registry_repository", name)["repository_id"] == "functions"


def test_old_images_are_deleted_but_the_newest_stay(state: State) -> None:
    repositories = state.of("artifact_registry_repository")
    assert {each["repository_id"] for each in repositories} == {"images", "functions"}
    for repository in repositories:
        assert repository["format"] == "DOCKER"
        policies = {each["action"]: each for each in repository["cleanup_policies"]}
        assert policies["KEEP"]["most_recent_versions"][0]["keep_count"] >= 5
        assert parse_seconds(policies["DELETE"]["condition"][0]["older_than"]) >= _MONTH_S
        assert not repository["cleanup_policy_dry_run"]
