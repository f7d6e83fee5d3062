"""What tests of the cleanup may ask for."""

from collections.abc import AsyncIterator

import pytest

from tests.functions.cleanup.service import Service


@pytest.fixture
async def service() -> AsyncIterator[Service]:
    """A cleanup that goes on for half a second per message."""
    service = Service({"CLEANUP_PART_S": "0.5"})
    async with service.running():
        yield service


@pytest.fixture(scope="module")
async def shared_service() -> AsyncIterator[Service]:
    """A cleanup for messages that it does nothing about."""
    service = Service({})
    async with service.running():
        yield service
