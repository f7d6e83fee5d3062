"""Which databases of the project a service reaches."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from scripts.local.ports import SERVICES
from tests.infra.environments import Environment, workspace
from tests.infra.made import Made
from tests.infra.services import account, variables

_STORE = "roles/datastore.user"


def reached(grant: dict[str, list[dict[str, str]]]) -> set[str]:
    """Return the databases that a grant is good for."""
    [condition] = grant["condition"]
    alternatives = condition["expression"].split(" || ")
    found = [re.fullmatch(r'resource\.name == "([^"]+)"', each) for each in alternatives]
    return {each[1] for each in found if each}


def planned(place: Path, *options: str) -> dict[str, set[str]]:
    """Return the databases of every service, where an environment is begun with `options`."""
    module = workspace(place, "prod")
    module.plan(*options)
    return {
        each["index"]: reached(each["change"]["after"])
        for each in module.planned()["resource_changes"]
        if each["address"].startswith("google_project_iam_member.store")
    }


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_reaches_the_database_that_it_is_told_of_alone(made: Made, service: str) -> None:
    member = f"serviceAccount:{account(made, service)}"
    grant = made.one("project_iam_member", role=_STORE, member=member)
    told = variables(made, service)
    names = {"(default)", told["FIRESTORE_DATABASE"]}
    names |= {told[name] for name in ("RATE_LIMIT_DATABASE",) if name in told}
    expected = {f"projects/{grant['project']}/databases/{name}" for name in names}
    assert reached(grant.values) == expected


def test_a_restored_database_is_reached_beside_the_one_before(
    tmp_path: Path, environments: Callable[[str], Environment]
) -> None:
    project = environments("prod").made.outputs["project"]
    both = {f"projects/{project}/databases/{name}" for name in ("(default)", "restored")}
    databases = planned(tmp_path, "-var=serving_database=restored")
    assert databases == dict.fromkeys(SERVICES, both)


def test_a_database_of_the_rate_limits_is_reached_by_those_who_count(tmp_path: Path) -> None:
    databases = planned(tmp_path, '-var=settings={all={RATE_LIMIT_DATABASE="counts"}}')
    counting = {
        service
        for service, names in databases.items()
        if any(name.endswith("/databases/counts") for name in names)
    }
    assert counting == {"ai", "chat", "cleanup"}
