"""What the tests of `infra/` may ask for; each environment is made once for all of them."""

from collections.abc import Callable
from functools import cache, partial

import pytest

from tests.infra.environments import ENVIRONMENTS, FULL, Environment, make
from tests.infra.made import Made
from tests.shared_results import shared_result


@pytest.fixture(scope="session")
def environments() -> Callable[[str], Environment]:
    """The way to the environments, by their names."""

    @cache
    def environment(name: str) -> Environment:
        told = shared_result(name, partial(make, name))
        return Environment(name, Made(told["state"]), told["next_plan"])

    return environment


@pytest.fixture(params=[*ENVIRONMENTS, FULL])
def environment(
    request: pytest.FixtureRequest, environments: Callable[[str], Environment]
) -> Environment:
    """Every environment in turn."""
    return environments(request.param)


@pytest.fixture
def made(environment: Environment) -> Made:
    """The resources of every environment in turn."""
    return environment.made


@pytest.fixture
def prod(environments: Callable[[str], Environment]) -> Made:
    """The resources of the one that people use."""
    return environments("prod").made


@pytest.fixture
def full(environments: Callable[[str], Environment]) -> Made:
    """The same, with whatever its file leaves out."""
    return environments(FULL).made
