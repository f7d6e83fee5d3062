"""Fixtures for the tests of `infra/`. Each environment is applied once per test run."""

from collections.abc import Callable
from functools import cache, partial

import pytest

from tests.infra.environments import ENVIRONMENTS, FULL, Environment, apply
from tests.infra.state import State
from tests.shared_results import shared_result


def pytest_itemcollected(item: pytest.Item) -> None:
    """Mark the tests of an applied environment: they need Terraform."""
    if "environments" in getattr(item, "fixturenames", ()):
        item.add_marker("terraform")


@pytest.fixture(scope="session")
def environments() -> Callable[[str], Environment]:
    """Return a function that maps a name to the applied environment."""

    @cache
    def environment(name: str) -> Environment:
        # All workers of the test run share one result: an apply takes seconds.
        applied = shared_result(name, partial(apply, name))
        return Environment(name, State(applied["state"]), applied["next_plan"])

    return environment


@pytest.fixture(params=[*ENVIRONMENTS, FULL])
def environment(
    request: pytest.FixtureRequest, environments: Callable[[str], Environment]
) -> Environment:
    """Return each environment in turn."""
    return environments(request.param)


@pytest.fixture
def state(environment: Environment) -> State:
    """Return the state of each environment in turn."""
    return environment.state


@pytest.fixture
def prod(environments: Callable[[str], Environment]) -> State:
    """Return the state of production."""
    return environments("prod").state


@pytest.fixture
def full(environments: Callable[[str], Environment]) -> State:
    """Return the state of production with every optional variable set."""
    return environments(FULL).state
