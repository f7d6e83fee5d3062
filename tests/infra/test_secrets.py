"""Secrets: their readers, and the absence of values in Terraform."""

import pytest

from scripts.local.ports import SERVICES
from scripts.reference.declarations import Setting
from scripts.reference.settings import in_code
from tests.infra.configuration import modules, read_code, used_types
from tests.infra.environments import INFRA
from tests.infra.services import account, grants, variables
from tests.infra.state import State
from tests.infra.test_settings import NEVER_SET
from tests.service_start import start


def secrets() -> dict[str, Setting]:
    """Return the secrets that services on Google Cloud read, by variable."""
    found = {each.variable: each for each in in_code(start) if each.is_secret}
    return {variable: each for variable, each in found.items() if variable not in NEVER_SET}


def references(state: State, service: str) -> dict[str, str]:
    """Return the references to secrets in a service's environment, by variable."""
    return {
        variable: value
        for variable, value in variables(state, service).items()
        if variable in secrets()
    }


def readable(state: State, service: str) -> set[str]:
    """Return the ids of the secrets that a service may read."""
    member = f"serviceAccount:{account(state, service)}"
    return {
        str(state.referenced("secret_manager_secret", values["secret_id"])["secret_id"])
        for each, role, type_, values in grants(state)
        if each == member
        and type_ == "google_secret_manager_secret_iam_member"
        and role == "roles/secretmanager.secretAccessor"
    }


def test_every_secret_of_the_code_exists(prod: State) -> None:
    ids = {each["secret_id"] for each in prod.of("secret_manager_secret")}
    assert ids == {variable.lower().replace("_", "-") for variable in secrets()}


def test_service_gets_references_instead_of_values(state: State) -> None:
    for service in SERVICES:
        for variable, value in references(state, service).items():
            assert value == f"sm://{variable.lower().replace('_', '-')}"


@pytest.mark.parametrize("service", SERVICES)
def test_service_may_read_only_its_references(state: State, service: str) -> None:
    names = {value.removeprefix("sm://") for value in references(state, service).values()}
    assert readable(state, service) == names


def test_secrets_are_referenced_by_their_readers(state: State) -> None:
    ids = {each["secret_id"] for each in state.of("secret_manager_secret")}
    for variable, setting in secrets().items():
        users = {service for service in SERVICES if variable in references(state, service)}
        exists = variable.lower().replace("_", "-") in ids
        assert users == (set(setting.read_by.split(", ")) if exists else set())


def test_terraform_has_no_value_of_a_secret(state: State) -> None:
    resources, data_sources = used_types(INFRA)
    assert "google_secret_manager_secret_version" not in resources
    assert not {each for each in data_sources if each.startswith("google_secret_manager")}
    for service in SERVICES:
        assert all(value.startswith("sm://") for value in references(state, service).values())
    for module in modules(INFRA):
        assert "secret_environment_variables" not in read_code(module)
