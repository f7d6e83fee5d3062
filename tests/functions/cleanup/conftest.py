"""Fixtures of the cleanup's tests."""

from collections.abc import AsyncIterator

import pytest

from tests.functions.cleanup.service import Service


@pytest.fixture(scope="module")
async def running_service() -> AsyncIterator[Service]:
    """The function in its own process."""
    service = Service()
    async with service.running():
        yield service


@pytest.fixture
async def service(running_service: Service) -> Service:
    """The function with an empty database."""
    await running_service.reset()
    return running_service
