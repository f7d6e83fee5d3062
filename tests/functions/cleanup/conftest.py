"""Fixtures of the cleanup's tests."""

from collections.abc import AsyncIterator

import pytest

from tests.functions.cleanup.service import Service


@pytest.fixture(scope="module")
async def running() -> AsyncIterator[Service]:
    """The function, in a process of its own."""
    service = Service()
    async with service.running():
        yield service


@pytest.fixture
async def service(running: Service) -> Service:
    """The function, with an empty database."""
    await running.reset()
    return running
