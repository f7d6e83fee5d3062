"""What the tests of `infra/` may ask for; each environment is made once for all of them."""

from collections.abc import Callable
from functools import cache, partial

import pytest

from tests.infra.environments import ENVIRONMENTS, FULL, Environment, make, shared
from tests.infra.made import Made


@pytest.fixture(scope="session")
def environments(
    tmp_path_factory: pytest.TempPathFactory, worker_id: str
) -> Callable[[str], Environment]:
    """The way to the environments, by their names."""
    base = tmp_path_factory.getbasetemp()
    # Every worker has a folder of its own in one that belongs to all.
    folder = (base if worker_id == "master" else base.parent) / "environments"
    folder.mkdir(exist_ok=True)

    @cache
    def environment(name: str) -> Environment:
        told = shared(folder, name, partial(make, name))
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
