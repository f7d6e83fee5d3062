"""The account that builds the functions, and where their images go."""

from scripts.local.ports import FUNCTIONS
from tests.infra.environments import PROJECT_NUMBER
from tests.infra.made import Made, Resource, seconds
from tests.infra.services import function, grants

_ARCHIVES = f"projects/_/buckets/gcf-v2-sources-{PROJECT_NUMBER}"
_MONTH_S = 30 * 24 * 60 * 60


def builder(made: Made) -> Resource:
    """Return the account that builds."""
    return made.one("service_account", account_id="liftlog-build")


def test_every_function_is_built_by_that_account_into_the_repository_of_functions(
    made: Made,
) -> None:
    repository = made.one("artifact_registry_repository", repository_id="functions")
    for name in FUNCTIONS:
        build = function(made, name).block("build_config")
        assert build["service_account"] == builder(made)["id"]
        assert build["docker_repository"] == repository["id"]


def test_a_build_reads_archives_stores_images_and_logs_and_may_do_nothing_else(made: Made) -> None:
    given = {
        role: values for who, role, _, values in grants(made) if who == builder(made)["member"]
    }
    assert given.keys() == {
        "roles/artifactregistry.writer",
        "roles/logging.logWriter",
        "roles/storage.objectViewer",
    }
    # The archives as the platform has copied them: from our bucket nothing is built.
    [condition] = given["roles/storage.objectViewer"]["condition"]
    assert f'resource.name.startsWith("{_ARCHIVES}-' in condition["expression"]
    # Of functions, so that no package of theirs can put an image into the chat's place.
    name = given["roles/artifactregistry.writer"]["repository"]
    assert made.referred("artifact_registry_repository", name)["repository_id"] == "functions"


def test_images_go_when_they_are_old_but_the_newest_stay(made: Made) -> None:
    repositories = made.of("artifact_registry_repository")
    assert {each["repository_id"] for each in repositories} == {"images", "functions"}
    for repository in repositories:
        assert repository["format"] == "DOCKER"
        policies = {each["action"]: each for each in repository["cleanup_policies"]}
        assert policies["KEEP"]["most_recent_versions"][0]["keep_count"] >= 5
        assert seconds(policies["DELETE"]["condition"][0]["older_than"]) >= _MONTH_S
        assert not repository["cleanup_policy_dry_run"]
