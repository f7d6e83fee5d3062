"""Secrets: who may read which, and that no value of one is here."""

import pytest

from scripts.local.ports import SERVICES
from scripts.reference.settings import Setting, in_code
from tests.infra.configuration import modules, text_of, types_in_use
from tests.infra.environments import INFRA
from tests.infra.made import Made
from tests.infra.services import account, grants, variables
from tests.isolated import start


def secrets() -> dict[str, Setting]:
    """Return the secrets of the code by their variables."""
    return {each.variable: each for each in in_code(start) if each.is_secret}


def referred(made: Made, service: str) -> dict[str, str]:
    """Return which secrets a service's environment refers to, by the variable."""
    return {
        variable: value
        for variable, value in variables(made, service).items()
        if variable in secrets()
    }


def readable(made: Made, service: str) -> set[str]:
    """Return the ids of the secrets that a service may read."""
    member = f"serviceAccount:{account(made, service)}"
    return {
        str(made.referred("secret_manager_secret", values["secret_id"])["secret_id"])
        for who, role, type_, values in grants(made)
        if who == member
        and type_ == "google_secret_manager_secret_iam_member"
        and role == "roles/secretmanager.secretAccessor"
    }


def test_there_is_a_secret_for_every_variable_that_is_one(prod: Made) -> None:
    ids = {each["secret_id"] for each in prod.of("secret_manager_secret")}
    assert ids == {variable.lower().replace("_", "-") for variable in secrets()}


def test_a_secret_is_given_as_a_reference_to_its_own_name(made: Made) -> None:
    for service in SERVICES:
        for variable, value in referred(made, service).items():
            assert value == f"sm://{variable.lower().replace('_', '-')}"


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_may_read_the_secrets_that_it_refers_to_and_no_other(
    made: Made, service: str
) -> None:
    names = {value.removeprefix("sm://") for value in referred(made, service).values()}
    assert readable(made, service) == names


def test_the_secrets_in_use_are_referred_to_by_whoever_reads_them(made: Made) -> None:
    there = {each["secret_id"] for each in made.of("secret_manager_secret")}
    for variable, setting in secrets().items():
        users = {service for service in SERVICES if variable in referred(made, service)}
        is_there = variable.lower().replace("_", "-") in there
        assert users == (set(setting.read_by.split(", ")) if is_there else set())


def test_no_value_of_a_secret_is_in_terraforms_files_or_state(made: Made) -> None:
    resources, data_sources = types_in_use(INFRA)
    assert "google_secret_manager_secret_version" not in resources
    assert not {each for each in data_sources if each.startswith("google_secret_manager")}
    for service in SERVICES:
        assert all(value.startswith("sm://") for value in referred(made, service).values())
    for module in modules(INFRA):
        assert "secret_environment_variables" not in text_of(module)
