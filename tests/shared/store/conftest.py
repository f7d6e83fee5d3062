"""Each test of the database runs once per engine."""

import pytest

from tests.engines import parametrize_by_engine


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Add the engines to the parameters of a test."""
    parametrize_by_engine(metafunc)
