"""The databases of the project that a service may access."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.infra.environments import Environment, workspace
from tests.infra.services import WITH_DATABASE, account, variables
from tests.infra.state import State

_ROLE = "roles/datastore.user"


def accessible(grant: dict[str, list[dict[str, str]]]) -> set[str]:
    """Return the databases in the condition of a grant."""
    [condition] = grant["condition"]
    alternatives = condition["expression"].split(" || ")
    matches = [re.fullmatch(r'resource\.name == "([^"]+)"', each) for each in alternatives]
    return {each[1] for each in matches if each}


def planned(place: Path, *options: str) -> dict[str, set[str]]:
    """Return the databases of each service in a plan with these options."""
    module = workspace(place, "prod")
    module.plan(*options)
    return {
        each["index"]: accessible(each["change"]["after"])
        for each in module.planned()["resource_changes"]
        if each["address"].startswith("google_project_iam_member.database")
    }


@pytest.mark.parametrize("service", WITH_DATABASE)
def test_service_may_access_only_its_databases(state: State, service: str) -> None:
    member = f"serviceAccount:{account(state, service)}"
    grant = state.one("project_iam_member", role=_ROLE, member=member)
    settings = variables(state, service)
    names = {"(default)", settings["FIRESTORE_DATABASE"]}
    names |= {settings[name] for name in ("RATE_LIMIT_DATABASE",) if name in settings}
    expected = {f"projects/{grant['project']}/databases/{name}" for name in names}
    assert accessible(grant.values) == expected


def test_restored_database_is_added_to_the_default(
    tmp_path: Path, environments: Callable[[str], Environment]
) -> None:
    project = environments("prod").state.outputs["project"]
    both = {f"projects/{project}/databases/{name}" for name in ("(default)", "restored")}
    databases = planned(tmp_path, "-var=serving_database=restored")
    assert databases == dict.fromkeys(WITH_DATABASE, both)


@pytest.mark.terraform
def test_rate_limit_database_is_limited_to_its_users(tmp_path: Path) -> None:
    databases = planned(tmp_path, '-var=settings={all={RATE_LIMIT_DATABASE="counts"}}')
    counting = {
        service
        for service, names in databases.items()
        if any(name.endswith("/databases/counts") for name in names)
    }
    assert counting == {"ai", "chat", "cleanup"}
